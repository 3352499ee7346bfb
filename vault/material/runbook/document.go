package runbook

import "strings"

// document is a runbook before it is Markdown or text. In its strings, what stands
// between backticks is code; names and prose from outside hold no backtick.
type document struct {
	blocks []block
	steps  int
}

type kind int

const (
	kindHeading kind = iota
	kindPara
	kindBullet
	kindStep
	kindTable
)

type block struct {
	kind     kind
	level    int    // of a heading
	number   int    // of a step, through all sections
	text     string // of all but tables
	commands []command
	header   []string
	rows     [][]string
}

// command is what a shell gets, word by word. A word is quoted and comes in pieces:
// between two of them a line may be continued.
type (
	command []word
	word    []string
)

func (w word) String() string { return strings.Join(w, "") }

func (c command) String() string {
	var words []string
	for _, w := range c {
		words = append(words, w.String())
	}
	return strings.Join(words, " ")
}

// cmd makes a command of literal text, which has no spaces inside quotes, and of words.
func cmd(literal string, words ...word) command {
	return command{}.lit(literal).arg(words...)
}

func (c command) lit(literal string) command {
	for _, f := range strings.Fields(literal) {
		c = append(c, word{f})
	}
	return c
}

func (c command) arg(words ...word) command { return append(c, words...) }

// assign sets a shell variable that only the operator knows the value of.
func assign(variable, comment string) command {
	return command{word{variable + "="}, word{"  # " + comment}}
}

func step(text string, commands ...command) block {
	return block{kind: kindStep, text: text, commands: commands}
}

func (d *document) add(b block) {
	if b.kind == kindStep {
		d.steps++
		b.number = d.steps
	}
	d.blocks = append(d.blocks, b)
}

func (d *document) heading(level int, text string) {
	d.add(block{kind: kindHeading, level: level, text: text})
}
func (d *document) para(text string)   { d.add(block{kind: kindPara, text: text}) }
func (d *document) bullet(text string) { d.add(block{kind: kindBullet, text: text}) }

// table leaves out the columns that are empty throughout.
func (d *document) table(header []string, rows [][]string) {
	b := block{kind: kindTable, rows: make([][]string, len(rows))}
	for column, title := range header {
		empty := true
		for _, row := range rows {
			empty = empty && row[column] == ""
		}
		if empty {
			continue
		}
		b.header = append(b.header, title)
		for i, row := range rows {
			b.rows[i] = append(b.rows[i], row[column])
		}
	}
	d.add(b)
}
