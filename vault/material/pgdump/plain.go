package pgdump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Lines of pg_dump and pg_dumpall (PostgreSQL, pg_backup_archiver.c, pg_dumpall.c).
const (
	lineDump        = "-- PostgreSQL database dump"
	lineDumpEnd     = "-- PostgreSQL database dump complete"
	lineCluster     = "-- PostgreSQL database cluster dump"
	lineClusterEnd  = "-- PostgreSQL database cluster dump complete"
	prefixStarted   = "-- Started on "
	prefixCompleted = "-- Completed on "
	endOfRows       = `\.`
)

// maxDatabases is how many databases of a cluster are told apart.
const maxDatabases = 256

// isPlain knows a dump in plain text by its first lines.
func isPlain(head []byte) bool {
	head = bytes.TrimLeft(head, "-\r\n")
	return bytes.HasPrefix(head, []byte(lineDump[2:])) || bytes.HasPrefix(head, []byte(lineCluster[2:]))
}

// plain reads a dump in plain text, of one database or of a cluster.
type plain struct {
	cluster   bool
	finished  bool // the cluster's own end was seen
	databases []database

	named  string    // by the last \connect
	header bool      // before the first command of a database
	rows   *columns  // inside COPY; without a table if its rows do not matter
	open   *database // the one that is being read
}

// outlineSize is how much of a dump is read to see what it is: the tables are made
// before their rows come, unless the dump has rows only.
const outlineSize = 8 << 20

// readPlain reads a whole dump; with outline, no more than shows whose it is.
func readPlain(in io.Reader, outline bool) (*plain, error) {
	p := &plain{}
	text := newLines(in)
	for {
		line, cut, err := text.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return p, err
		}
		if err != nil || outline && p.rows != nil && p.open.created {
			return p, nil
		}
		if p.rows != nil {
			p.row(line, cut)
		} else if err := p.line(line); err != nil {
			return p, err
		}
	}
}

func (p *plain) row(line []byte, cut bool) {
	switch {
	case string(line) == endOfRows:
		p.rows = nil
	case p.rows.table == "" || p.open == nil:
	case cut && p.rows.list():
		// one of many: what the others say still holds
	case cut:
		p.open.unread = "it has rows that are too long to look at"
	default:
		p.open.row(*p.rows, line)
	}
}

// line reads a line outside of rows.
func (p *plain) line(line []byte) error {
	text := string(line[:min(len(line), 256)])
	switch {
	case text == "" || text == "--":
		return nil
	case text == lineCluster && p.open == nil:
		p.cluster = true
		return nil
	case text == lineClusterEnd:
		p.finished = true
		return nil
	case text == lineDump:
		return p.begin()
	}
	if !strings.HasPrefix(text, "--") && !strings.HasPrefix(text, `\unrestrict `) {
		p.finished = false
	}
	if strings.HasPrefix(text, `\connect `) {
		p.connect(text)
		return nil
	}
	d := p.open
	if d == nil {
		return nil
	}
	switch {
	case text == lineDumpEnd:
		d.complete = true
	case p.header && strings.HasPrefix(text, prefixStarted):
		d.started = parseVerbose(line[len(prefixStarted):])
	case !d.complete && strings.HasPrefix(text, prefixCompleted):
		d.completed = parseVerbose(line[len(prefixCompleted):])
	case strings.HasPrefix(text, "--"), strings.HasPrefix(text, `\restrict `):
		d.complete = d.complete && p.cluster // alone, a dump has nothing after its end
	case strings.HasPrefix(text, `\unrestrict `):
	default:
		p.command(d, line)
	}
	return nil
}

// begin starts a database.
func (p *plain) begin() error {
	if len(p.databases) == maxDatabases {
		return fmt.Errorf("it holds more than %d databases", maxDatabases)
	}
	if len(p.databases) > 0 && !p.cluster {
		return errors.New("it holds several dumps one after the other")
	}
	p.databases = append(p.databases, database{name: p.named})
	p.open, p.header = &p.databases[len(p.databases)-1], true
	return nil
}

// connect reads the name of a database: before its dump, or inside where the dump
// also makes the database.
func (p *plain) connect(text string) {
	for _, form := range []string{`^\\connect -reuse-previous=on "dbname='([^'\\]*)'"$`, `^\\connect "?([^" \\]+)"?$`} {
		if m := regexp.MustCompile(form).FindStringSubmatch(text); m != nil {
			if p.named = m[1]; p.open != nil && !p.open.complete {
				p.open.name = p.named
			}
		}
	}
}

// command reads SQL. What comes after the end takes the end back: it was text inside
// a command. In a cluster, commands between two dumps belong to no database.
func (p *plain) command(d *database, line []byte) {
	if p.cluster && d.complete {
		return
	}
	p.header, d.complete, d.completed = false, false, stamp{}
	if c, ok := parseCopy(line); ok {
		d.hasTable(c.table)
		p.rows = &c
		return
	}
	if rest, ok := bytes.CutPrefix(line, []byte("CREATE TABLE ")); ok {
		name, _, _ := bytes.Cut(rest, []byte(" ("))
		d.created = true
		d.hasTable(tableName(name))
	}
	if rest, ok := bytes.CutPrefix(line, []byte("INSERT INTO ")); ok {
		name, _, _ := bytes.Cut(rest, []byte(" "))
		d.inserts = d.inserts || isKnownTable(tableName(name))
	}
}

// defect says why a dump is not complete.
func (p *plain) defect() error {
	switch {
	case p.rows != nil:
		return errors.New("it ends inside the rows of a table")
	case p.cluster && !p.finished:
		return fmt.Errorf("its last line is not %q", lineClusterEnd)
	case len(p.databases) == 0 && !p.cluster:
		return errors.New("it holds no database")
	}
	for _, d := range p.databases {
		if !d.complete {
			return fmt.Errorf("it has no line %q at its end", lineDumpEnd)
		}
	}
	return nil
}
