package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"coldvault/qr/digits"
	"coldvault/qr/scan"
	"coldvault/shard"
)

// scriptCommands are what the scripts have besides testscript's own commands.
// "usage" is the only documentation they need: it is printed on misuse.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := map[string]func(*testscript.TestScript, bool, []string){}
	add := func(name, usage string, least, most int, run func(*testscript.TestScript, []string)) {
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) < least || most >= 0 && len(args) > most {
				ts.Fatalf("usage: %s %s", name, usage)
			}
			run(ts, args)
		}
	}
	add("sample", "     copies the sample vault, its media, cards and pages here", 0, 0, cmdSample)
	add("pool", "DIR [SEED]     writes a stake pool's files", 1, 2, func(ts *testscript.TestScript, args []string) {
		seed := 1
		if len(args) == 2 {
			seed = atoi(ts, args[1])
		}
		ts.Check(writePool(ts.MkAbs(args[0]), byte(seed), 0))
	})
	add("exit", "CODE PROGRAM ARG…     runs it and wants exactly this exit code", 2, -1, cmdExit)
	add("flip", "FILE OFFSET [COUNT]     inverts bytes", 2, 3, cmdFlip)
	add("misread", "FILE LINE OFFSET…     exchanges digits of a line for others", 3, -1, cmdMisread)
	add("samefiles", "DIR DIR     wants the same names and bytes in both", 2, 2, cmdSameFiles)
	add("mode", "FILE MODE     wants these permissions", 2, 2, cmdMode)
	add("empty", "DIR     wants nothing in it", 1, 1, cmdEmpty)
	add("size", "FILE BYTES     makes a file of zeros", 2, 2, func(ts *testscript.TestScript, args []string) {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), make([]byte, atoi(ts, args[1])), 0o600))
	})
	add("head", "FILE COUNT     prints the first lines", 2, 2, func(ts *testscript.TestScript, args []string) {
		lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
		fmt.Fprint(ts.Stdout(), strings.Join(lines[:atoi(ts, args[1])], ""))
	})
	add("fifo", "FILE     makes a named pipe", 1, 1, func(ts *testscript.TestScript, args []string) {
		ts.Check(exec.Command("mkfifo", ts.MkAbs(args[0])).Run())
	})
	add("rasterise", "PDF DIR     draws every page at 300 dpi into DIR/NAME-PAGE.png", 2, 2, cmdRasterise)
	add("codes", "[PREFIX:] FILE…     prints the digits of every code, one a line", 1, -1, cmdCodes)
	add("words", "FILE cold|hot     prints the words of a card in one line", 2, 2, cmdWords)
	add("forge", "FILE…     prints the codes of cards with another secret and a right checksum", 1, -1, cmdForge)
	add("jsonlines", "FILE [TYPE[=COUNT]…]     wants JSON lines as README.md says, and of these types", 1, -1, cmdJSONLines)
	return commands
}

func cmdSample(ts *testscript.TestScript, _ []string) {
	ts.Check(os.CopyFS(ts.MkAbs("."), os.DirFS(ts.Getenv("SAMPLE"))))
}

func cmdExit(ts *testscript.TestScript, args []string) {
	want := atoi(ts, args[0])
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exited *exec.ExitError
	switch {
	case errors.As(err, &exited):
		got = exited.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d where %d was expected", got, want)
	}
}

func cmdFlip(ts *testscript.TestScript, args []string) {
	name, offset, count := ts.MkAbs(args[0]), atoi(ts, args[1]), 1
	if len(args) == 3 {
		count = atoi(ts, args[2])
	}
	data, err := os.ReadFile(name)
	ts.Check(err)
	if offset+count > len(data) {
		ts.Fatalf("%s has %d bytes", args[0], len(data))
	}
	for i := range count {
		data[offset+i] ^= 0xff
	}
	ts.Check(os.WriteFile(name, data, 0o600))
}

// cmdMisread makes each digit the next one. Inverting or overwriting would not do: by chance
// what comes out is the same digit, or what a foreign keyboard gives for it.
func cmdMisread(ts *testscript.TestScript, args []string) {
	lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
	line := []byte(lines[atoi(ts, args[1])-1])
	for _, offset := range args[2:] {
		digit := &line[atoi(ts, offset)]
		if *digit < '0' || *digit > '9' {
			ts.Fatalf("there is no digit at %s", offset)
		}
		*digit = '0' + (*digit-'0'+1)%10
	}
	lines[atoi(ts, args[1])-1] = string(line)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines, "")), 0o600))
}

func cmdSameFiles(ts *testscript.TestScript, args []string) {
	read := func(dir string) map[string]string {
		files := map[string]string{}
		ts.Check(filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(p)
			files[strings.TrimPrefix(p, dir)] = string(data)
			return err
		}))
		return files
	}
	a, b := read(ts.MkAbs(args[0])), read(ts.MkAbs(args[1]))
	if len(a) == 0 {
		ts.Fatalf("%s holds no file", args[0])
	}
	if len(a) != len(b) {
		ts.Fatalf("%s holds %d files, %s %d", args[0], len(a), args[1], len(b))
	}
	for name, data := range a {
		if other, ok := b[name]; !ok || other != data {
			ts.Fatalf("%s differs", name)
		}
	}
}

func cmdMode(ts *testscript.TestScript, args []string) {
	info, err := os.Lstat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}

func cmdEmpty(ts *testscript.TestScript, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("%s holds %s", args[0], entries[0].Name())
	}
}

func cmdRasterise(ts *testscript.TestScript, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	images, err := scan.RasterisePDF(data, 300, scan.Options{})
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs(args[1]), 0o700))
	name := strings.TrimSuffix(filepath.Base(args[0]), ".pdf")
	for i, img := range images {
		var b bytes.Buffer
		ts.Check((&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img))
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[1]), fmt.Sprintf("%s-%d.png", name, i+1)), b.Bytes(), 0o600))
	}
}

// readCodes are the digits of all codes in a PDF, image or text file.
func readCodes(ts *testscript.TestScript, name string) [][]byte {
	data, err := os.ReadFile(ts.MkAbs(name))
	ts.Check(err)
	found, err := scan.Read(data, scan.Options{Workers: 2})
	if errors.Is(err, scan.ErrFormat) {
		return bytes.Fields(data)
	}
	ts.Check(err)
	var out [][]byte
	for _, c := range found.Codes {
		out = append(out, c.Text)
	}
	if len(out) == 0 {
		ts.Fatalf("%s has no code", name)
	}
	return out
}

func cmdCodes(ts *testscript.TestScript, args []string) {
	prefix := ""
	if strings.HasSuffix(args[0], ":") {
		prefix, args = args[0], args[1:]
	}
	for _, name := range args {
		for _, text := range readCodes(ts, name) {
			fmt.Fprintf(ts.Stdout(), "%s%s\n", prefix, text)
		}
	}
}

func cmdWords(ts *testscript.TestScript, args []string) {
	for _, text := range readCodes(ts, args[0]) {
		s, err := shard.ParseText(make([]byte, shard.ShareSize), text)
		ts.Check(err)
		if s.Compartment().String() == args[1] {
			fmt.Fprintf(ts.Stdout(), "%s\n", bytes.Join(bytes.Fields(shard.AppendWords(nil, s)), []byte(" ")))
			return
		}
	}
	ts.Fatalf("%s has no share of %s", args[0], args[1])
}

// cmdForge follows FORMAT.md section 5: y begins at byte 15, the checksum at 47.
func cmdForge(ts *testscript.TestScript, args []string) {
	for _, name := range args {
		for _, text := range readCodes(ts, name) {
			raw, err := digits.Decode(nil, text)
			ts.Check(err)
			raw[15] ^= 1
			sum := sha256.Sum256(append([]byte("coldvault/share-checksum/1"), raw[:47]...))
			copy(raw[47:], sum[:4])
			fmt.Fprintf(ts.Stdout(), "%s\n", digits.Append(nil, raw))
		}
	}
}

// jsonRows are the rows of README.md that say what --json writes, by type: of each member
// whether it is always there.
var jsonRows = sync.OnceValue(func() map[string][]map[string]bool {
	rows := map[string][]map[string]bool{}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		panic(err)
	}
	_, table, _ := strings.Cut(string(readme), "### JSON")
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		members := map[string]bool{}
		for _, m := range regexp.MustCompile("(\\[?)`([a-z_]+)`").FindAllStringSubmatch(cells[2], -1) {
			members[m[2]] = m[1] == ""
		}
		kind := strings.Trim(cells[1], " `")
		rows[kind] = append(rows[kind], members)
	}
	return rows
})

// fitsRow tells whether an object has what a row says, and nothing else.
func fitsRow(object map[string]any, row map[string]bool) bool {
	for name, always := range row {
		if _, has := object[name]; always && !has {
			return false
		}
	}
	for name := range object {
		if _, known := row[name]; !known && name != "type" {
			return false
		}
	}
	return true
}

func cmdJSONLines(ts *testscript.TestScript, args []string) {
	seen := map[string]int{}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("%v in %s", err, line)
		}
		kind, _ := object["type"].(string)
		if !slices.ContainsFunc(jsonRows()[kind], func(row map[string]bool) bool { return fitsRow(object, row) }) {
			ts.Fatalf("README.md has no such line: %s", line)
		}
		if !strings.HasPrefix(line, `{"type":"`+kind+`"`) {
			ts.Fatalf("the type is not the first member: %s", line)
		}
		seen[kind]++
	}
	for _, want := range args[1:] {
		kind, count, counted := strings.Cut(want, "=")
		if seen[kind] == 0 && count != "0" || counted && strconv.Itoa(seen[kind]) != count {
			ts.Fatalf("%d lines of type %s", seen[kind], kind)
		}
	}
}
