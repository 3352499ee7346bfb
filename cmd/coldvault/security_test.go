package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// SECURITY.md has a row for every guarantee: what keeps it, what shows it kept, what breaks
// it and sees that noticed. Here every row is held against the code, and the code against
// the rows.

// verbs are what a comment says of a guarantee, by the column of the table.
var verbs = []string{"Keeps", "Shows", "Breaks"}

// guarantees maps an id to what its columns name.
type guarantees map[string][3][]string

var (
	guaranteeRow  = regexp.MustCompile(`(?m)^\| (G\d+) \| ([^|]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$`)
	named         = regexp.MustCompile("(script )?`([^`]+)`")
	guaranteeNote = regexp.MustCompile(`\b(Keeps|Shows|Breaks) (G\d+(?:, G\d+)*)\.`)
)

func parseGuarantees(text string) (guarantees, error) {
	g := guarantees{}
	for i, row := range guaranteeRow.FindAllStringSubmatch(text, -1) {
		id := row[1]
		if want := fmt.Sprintf("G%d", i+1); id != want {
			return nil, fmt.Errorf("%s where %s should be", id, want)
		}
		var columns [3][]string
		for c, cell := range row[3:] {
			for _, n := range named.FindAllStringSubmatch(cell, -1) {
				columns[c] = append(columns[c], n[1]+n[2])
			}
		}
		g[id] = columns
	}
	return g, nil
}

// noted maps a declaration ("secret.Guard", "media.Dir.Read") or a script ("script seal") to
// what its comment says: "Keeps G1".
type noted map[string][]string

// sourceNotes reads the comments of all declarations and scripts below root.
func sourceNotes(root string) (noted, error) {
	out := noted{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case filepath.Ext(name) == ".txtar":
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			script := "script " + strings.TrimSuffix(filepath.Base(name), ".txtar")
			out[script] = append(out[script], notesIn(string(text))...)
		case filepath.Ext(name) == ".go":
			return out.addFile(name)
		}
		return nil
	})
	return out, err
}

func notesIn(comment string) (notes []string) {
	for _, m := range guaranteeNote.FindAllStringSubmatch(comment, -1) {
		for _, id := range strings.Split(m[2], ", ") {
			notes = append(notes, m[1]+" "+id)
		}
	}
	return notes
}

func (n noted) addFile(name string) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	pkg := filepath.Base(filepath.Dir(name))
	add := func(name string, doc *ast.CommentGroup) {
		n[pkg+"."+name] = append(n[pkg+"."+name], notesIn(doc.Text())...)
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			add(receiver(d)+d.Name.Name, d.Doc)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name.Name, d.Doc)
				case *ast.ValueSpec:
					add(s.Names[0].Name, d.Doc)
				}
			}
		}
	}
	return nil
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	kind := d.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	if name, ok := kind.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

// disagreements are what the rows and the code say differently of each other.
func disagreements(g guarantees, code noted) (found []string) {
	listed := map[string]bool{}
	for id, columns := range g {
		for c, names := range columns {
			if len(names) == 0 {
				found = append(found, fmt.Sprintf("%s: nothing in the column of what %s it", id, strings.ToLower(verbs[c])))
			}
			for _, name := range names {
				note := verbs[c] + " " + id
				listed[name+" "+note] = true
				notes, exists := code[name]
				switch {
				case !exists:
					found = append(found, fmt.Sprintf("%s: there is no %s", id, name))
				case !slices.Contains(notes, note):
					found = append(found, fmt.Sprintf("%s: %s does not say %q", id, name, note))
				}
			}
		}
	}
	for name, notes := range code {
		for _, note := range notes {
			if !listed[name+" "+note] {
				found = append(found, fmt.Sprintf("%s says %q, and its row does not name it", name, note))
			}
		}
	}
	return found
}

func TestEveryGuaranteeIsKeptShownAndBroken(t *testing.T) {
	text, err := os.ReadFile("../../SECURITY.md")
	require.NoError(t, err)
	g, err := parseGuarantees(string(text))
	require.NoError(t, err)
	require.Len(t, g, strings.Count(string(text), "\n| G"), "a row that cannot be read")
	require.NotEmpty(t, g)
	code, err := sourceNotes("../..")
	require.NoError(t, err)
	require.Empty(t, disagreements(g, code))
}

// Whatever parts the table from the code is found.
func TestATableThatIsNotTrueIsCaught(t *testing.T) {
	row := "| G1 | nothing is lost | `vault.Keep` | `vault.TestKept` | `vault.TestLost`, script `lost` |\n"
	code := noted{
		"vault.Keep": {"Keeps G1"}, "vault.TestKept": {"Shows G1"}, "vault.TestLost": {"Breaks G1"}, "script lost": {"Breaks G1"},
		"vault.Other": nil,
	}
	g, err := parseGuarantees(row)
	require.NoError(t, err)
	require.Empty(t, disagreements(g, code))
	for change, want := range map[string]string{
		"`vault.Keep`:`vault.Kept`":         "there is no vault.Kept",
		"`vault.Keep`:`vault.Other`":        `vault.Other does not say "Keeps G1"`,
		"`vault.Keep`:everything":           "nothing in the column of what keeps it",
		"`vault.TestKept`:":                 "nothing in the column of what shows it",
		"`vault.TestLost`, script `lost`:":  "nothing in the column of what breaks it",
		"`vault.TestLost`, :":               `vault.TestLost says "Breaks G1", and its row does not name it`,
		"`vault.TestKept`:`vault.TestLost`": `vault.TestLost does not say "Shows G1"`,
		"script `lost`:script `found`":      "there is no script found",
	} {
		was, is, _ := strings.Cut(change, ":")
		g, err := parseGuarantees(strings.Replace(row, was, is, 1))
		require.NoError(t, err)
		require.Contains(t, strings.Join(disagreements(g, code), "\n"), want, change)
	}
	_, err = parseGuarantees(strings.Replace(row, "G1", "G2", 1))
	require.Error(t, err)
	require.Equal(t, []string{"Keeps G1", "Keeps G22", "Shows G3"}, notesIn("Opens it. Keeps G1, G22.\nShows G3."))
}
