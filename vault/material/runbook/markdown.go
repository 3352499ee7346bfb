package runbook

import (
	"bytes"
	"fmt"
	"strings"
)

// markdown renders as CommonMark with tables.
func markdown(d document) []byte {
	var out bytes.Buffer
	for i, b := range d.blocks {
		if i > 0 && (b.kind != kindBullet || d.blocks[i-1].kind != kindBullet) {
			out.WriteByte('\n')
		}
		switch b.kind {
		case kindHeading:
			fmt.Fprintf(&out, "%s %s\n", strings.Repeat("#", b.level), inline(b.text))
		case kindPara:
			fmt.Fprintf(&out, "%s\n", inline(b.text))
		case kindBullet:
			fmt.Fprintf(&out, "- %s\n", inline(b.text))
		case kindStep:
			markdownStep(&out, b)
		case kindTable:
			markdownTable(&out, b)
		}
	}
	return out.Bytes()
}

func markdownStep(out *bytes.Buffer, b block) {
	mark := fmt.Sprintf("%d. ", b.number)
	fmt.Fprintf(out, "%s%s\n", mark, inline(b.text))
	if len(b.commands) == 0 {
		return
	}
	indent := strings.Repeat(" ", len(mark))
	fmt.Fprintf(out, "\n%s```sh\n", indent)
	for _, c := range b.commands {
		fmt.Fprintf(out, "%s%s\n", indent, c)
	}
	fmt.Fprintf(out, "%s```\n", indent)
}

func markdownTable(out *bytes.Buffer, b block) {
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(b.header, " | "), strings.Repeat("---|", len(b.header)))
	for _, row := range b.rows {
		for _, cell := range row {
			parts := strings.Split(inline(cell), "`")
			for i := 1; i < len(parts); i += 2 {
				// A table takes a pipe for a border even inside code.
				parts[i] = strings.ReplaceAll(parts[i], "|", `\|`)
			}
			fmt.Fprintf(out, "| %s ", strings.Join(parts, "`"))
		}
		out.WriteString("|\n")
	}
}

// inline escapes everything outside of code that could become markup or a link.
func inline(s string) string {
	escape := strings.NewReplacer(
		`\`, `\\`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `>`, `\>`, `#`, `\#`, `~`, `\~`, `&`, `\&`,
		`$`, `\$`, `|`, `\|`, `://`, `\://`, `@`, `\@`, `www.`, `www\.`,
	)
	parts := strings.Split(s, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = escape.Replace(parts[i])
	}
	return strings.Join(parts, "`")
}
