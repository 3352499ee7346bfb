package main

// This is the only file that prints; screen.go switches the terminal's screens. Its rules:
//
//   - Steps, warnings and progress go to standard error; what a command was
//     asked for goes to standard output. With --json only JSON goes there.
//   - Errors are "coldvault: error: …", lower case, no full stop, and where there
//     is something to do, "coldvault: hint: …" after it.
//   - Text that is printed is a format of the program and arguments, which may have come
//     from a medium and are cleaned: a label must not be able to draw on the terminal, nor
//     a name to print a line of a report, or what looks like one.
//   - Progress and colour only on a terminal; NO_COLOR is honoured.

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"golang.org/x/term"

	"coldvault/vault/airgap"
	"coldvault/vault/material"
	"coldvault/vault/secret"
)

type ui struct {
	in       *os.File
	out      *reported
	err      io.Writer
	json     bool
	terminal bool // standard error is one: progress and colour
	color    bool
	drawn    bool           // a progress line is on the screen
	facts    *airgap.Facts  // about the host
	sandbox  secret.Sandbox // that is up
	secrets  prompts
	undo     interrupts
	hidden   *hidden // while the terminal does not echo
	shown    func()  // a secret is on the screen; overridden by test
	stepped  func()  // a step is done or a line is to come; overridden by test
}

// reported is standard output: what could not be written there fails the command at its end.
type reported struct {
	w   io.Writer
	err error
}

func (r *reported) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

func newUI(in, out, err *os.File) *ui {
	terminal := term.IsTerminal(int(err.Fd()))
	return &ui{
		in: in, out: &reported{w: out}, err: err, terminal: terminal,
		color: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
}

// Colours of the terminal (ECMA-48).
const (
	green, yellow, red, bold = "32", "33", "31", "1"
)

func (u *ui) paint(code, text string) string {
	if !u.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// clean shows what could move the cursor, begin a line, hide text, or look like a row of a
// table: runs of spaces are marked. With those a name could fill its row, and go on in the
// next one of the terminal with the indent and the columns that rows of ours have.
func clean(text string) string {
	runes := []rune(text)
	out := slices.Clone(runes)
	space := func(i int) bool { return i >= 0 && i < len(runes) && runes[i] == ' ' }
	marks := maxMarks // what is before the text is not its own to mark
	for i, r := range runes {
		switch {
		case isBlank(r) || !unicode.IsPrint(r):
			out[i] = unicode.ReplacementChar
			marks = 0
		case unicode.IsMark(r):
			if marks++; marks > maxMarks {
				out[i] = unicode.ReplacementChar
			}
		case space(i) && (space(i-1) || space(i+1)):
			out[i] = '␣'
			marks = 0
		case space(i):
			marks = maxMarks
		default:
			marks = 0
		}
	}
	return string(out)
}

// maxMarks is how many marks a letter may have: scripts need no more, and many reach into
// other rows.
const maxMarks = 4

// isBlank tells what counts as a letter, mark or symbol, and shows nothing. Spaces other than
// U+0020, and what has no width or turns the direction, do not count as printable anyway.
func isBlank(r rune) bool {
	const braille, music, hieroglyph, halfHieroglyph = 0x2800, 0x1D159, 0x13441, 0x13442
	switch r {
	case braille, music, hieroglyph, halfHieroglyph:
		return true
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// oneLine is the text of an error on one line, however many errors it joins.
func oneLine(err error) string { return clean(strings.ReplaceAll(err.Error(), "\n", "; ")) }

// outside is an argument of a format: it prints as it would, cleaned. What fills a column is
// ours, and comes after that.
type outside struct{ arg any }

func (o outside) Format(s fmt.State, verb rune) {
	arg := o.arg
	if err, ok := arg.(error); ok {
		arg = oneLine(err)
	}
	width, _ := s.Width()
	if s.Flag('-') {
		width = -width
	}
	_, _ = fmt.Fprintf(s, "%*s", width, clean(fmt.Sprintf("%"+string(verb), arg)))
}

// sprint is fmt.Sprintf with arguments that cannot leave their line.
func sprint(format string, args ...any) string {
	cleaned := make([]any, len(args))
	for i, arg := range args {
		cleaned[i] = outside{arg}
	}
	return fmt.Sprintf(format, cleaned...)
}

// Say reports a step that is done.
func (u *ui) Say(format string, args ...any) {
	u.Progress("", 0, 0)
	fmt.Fprintln(u.err, u.paint(green, "✓"), sprint(format, args...))
}

// Order says what is to be done now: no success, and nothing wrong.
func (u *ui) Order(format string, args ...any) {
	u.Progress("", 0, 0)
	fmt.Fprintln(u.err, u.paint(bold, "→"), sprint(format, args...))
}

// Warn reports what went wrong without stopping the work.
func (u *ui) Warn(format string, args ...any) {
	if u.undo.words.take(sprint(format, args...)) {
		return
	}
	u.Progress("", 0, 0)
	fmt.Fprintln(u.err, u.paint(yellow, "!"), sprint(format, args...))
}

// stepHead and stepTail are how much of a step is shown: what went on in the next row of the
// terminal would stay there when the line is drawn over. The tail has the rate.
const stepHead, stepTail = 24, 36

// Progress draws one line over itself; total 0 removes it.
func (u *ui) Progress(what string, done, total int) {
	if u.stepped != nil {
		u.stepped()
	}
	if !u.terminal {
		return
	}
	if u.drawn {
		fmt.Fprint(u.err, "\r\x1b[K")
	}
	if u.drawn = total > 0; u.drawn {
		fmt.Fprintf(u.err, "  %s (%d of %d)", elide(clean(what), stepHead, stepTail), done, total)
	}
}

// tell prints a prompt at the terminal.
func (u *ui) tell(tty io.Writer, format string, args ...any) {
	_, _ = io.WriteString(tty, sprint(format, args...))
}

// tellSecret prints what only the person at the terminal may see, from guarded
// memory and without a copy: words of the list, which are letters.
func (u *ui) tellSecret(tty io.Writer, text []byte) {
	_, _ = tty.Write(text)
	if u.shown != nil {
		u.shown()
	}
}

// redraw replaces the line that the cursor is on (ECMA-48: EL). before is public;
// typed and after may be secret and are not copied.
func (u *ui) redraw(tty io.Writer, before string, typed []byte, after string) {
	_, _ = io.WriteString(tty, "\r\x1b[K"+clean(before))
	u.tellSecret(tty, typed)
	_, _ = io.WriteString(tty, after)
}

// text is where a command's own output goes.
func (u *ui) text() io.Writer {
	if u.json {
		return u.err
	}
	return u.out
}

func (u *ui) print(format string, args ...any) {
	u.Progress("", 0, 0)
	fmt.Fprintln(u.text(), sprint(format, args...))
}

// heading begins a part of a command's output.
func (u *ui) heading(format string, args ...any) {
	u.Progress("", 0, 0)
	text := sprint(format, args...)
	if !u.json {
		text = u.paint(bold, text)
	}
	fmt.Fprintln(u.text(), text)
}

// verdict prints a line that begins with a state: good, a warning, or bad.
func (u *ui) verdict(color, state, format string, args ...any) {
	u.Progress("", 0, 0)
	fmt.Fprintf(u.text(), "  %s %s\n", u.paint(color, sprint("%-7s", state)), sprint(format, args...))
}

// emit writes one JSON object with its type; nothing without --json.
func (u *ui) emit(kind string, v any) {
	if !u.json {
		return
	}
	data, err := json.Marshal(v)
	if err != nil || len(data) < 2 || data[0] != '{' {
		u.Warn("reporting %s as JSON: %v", kind, err)
		return
	}
	comma := ","
	if string(data) == "{}" {
		comma = ""
	}
	fmt.Fprintf(u.out, "{\"type\":%q%s%s\n", kind, comma, data[1:])
}

// fail prints an error and its hint and returns the exit code.
func (u *ui) fail(err error) int {
	u.Progress("", 0, 0)
	code := exitCode(err)
	hint := hintOf(err)
	text := oneLine(err)
	fmt.Fprintf(u.err, "coldvault: %s %s\n", u.paint(red, "error:"), text)
	if hint != "" {
		fmt.Fprintf(u.err, "coldvault: hint: %s\n", clean(hint))
	}
	u.emit("error", errorJSON{text, hint, code})
	return code
}

type errorJSON struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
	Exit  int    `json:"exit"`
}

// table prints rows in columns.
func (u *ui) table(rows [][]string) {
	u.Progress("", 0, 0)
	t := tabwriter.NewWriter(u.text(), 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
		}
		fmt.Fprintln(t, "  "+strings.Join(row, "\t"))
	}
	t.Flush()
}

// The JSON of a report; every command that recognises files uses it.
type (
	fileJSON struct {
		Name        string `json:"name"`
		Network     string `json:"network"`
		Role        string `json:"role"`
		Compartment string `json:"compartment"`
		ID          string `json:"id,omitempty"`
		Note        string `json:"note,omitempty"`
	}
	verdictJSON struct {
		Status   string   `json:"status"`
		ID       string   `json:"id"`
		Text     string   `json:"text"`
		Files    []string `json:"files"`
		Evidence string   `json:"evidence,omitempty"`
	}
	idJSON struct {
		Network string `json:"network"`
		Name    string `json:"name"`
		Value   string `json:"value"`
	}
)

// report prints what files are: one table a network, then what the checks said.
func (u *ui) report(r material.Report) {
	for _, network := range networks(r) {
		u.heading("%s", network)
		rows := [][]string{{"FILE", "ROLE", "COMPARTMENT", "ID"}}
		for _, item := range r.Items {
			if item.Network == network {
				rows = append(rows, []string{item.Name, item.Role, item.In.String(), elide(item.ID, idHead, idTail)})
				u.emit("file", fileJSON{item.Name, item.Network, item.Role, item.In.String(), item.ID, item.Note})
			}
		}
		u.table(rows)
	}
	u.verdicts(r)
}

// verdicts prints what the checks said, and the ids.
func (u *ui) verdicts(r material.Report) {
	for _, id := range r.IDs {
		u.print("  %s %s: %s", id.Network, id.Name, id.Value)
		u.emit("id", idJSON{id.Network, id.Name, id.Value})
	}
	for _, item := range r.Items {
		if item.Note != "" {
			u.verdict(yellow, "NOTE", "%s: %s", item.Name, item.Note)
		}
	}
	colors := map[material.Status]string{material.Pass: green, material.Warn: yellow, material.Unknown: yellow, material.Fail: red}
	for _, v := range r.Verdicts {
		u.verdict(colors[v.Status], string(v.Status), "%s  [%s]", v.Text, v.ID)
		u.emit("verdict", verdictJSON{string(v.Status), v.ID, v.Text, v.Files, v.Evidence})
	}
}

// idHead and idTail are how much of a long id is shown: its ends are where people compare it.
const idHead, idTail = 16, 8

// elide keeps both ends of a long text.
func elide(text string, head, tail int) string {
	if r := []rune(text); len(r) > head+tail+1 {
		return string(r[:head]) + "…" + string(r[len(r)-tail:])
	}
	return text
}

// networks in the order of their first file.
func networks(r material.Report) []string {
	var out []string
	seen := map[string]bool{}
	for _, item := range r.Items {
		if !seen[item.Network] {
			seen[item.Network] = true
			out = append(out, item.Network)
		}
	}
	return out
}
