package pgdump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"time"

	"coldvault/vault/material"
)

// dump is what one file says.
type dump struct {
	name      string
	role      string
	format    string
	modified  time.Time
	databases []database
	defect    error  // why it is not complete
	opaque    string // why nothing can be said of it
	newest    stamp  // file of a volume
}

// Formats, in an operator's words.
const (
	formatPlain = "plain text"
	textCustom  = "custom format"
	textTar     = "tar format"
	textFolder  = "directory format"
	textVolume  = "files"
)

// headSize is how much is read to see of what kind a file is.
const headSize = tarBlock + 64

// read finds out what a file is; outline asks for no more than its beginning.
func read(f material.File, outline bool) (dump, material.Certainty) {
	d := dump{name: f.Name, modified: f.Modified.UTC()}
	content := io.ReaderAt(bytes.NewReader(f.Data))
	size := int64(len(f.Data))
	if f.Data == nil && f.Large != nil {
		content, size = f.Large, f.Size
	}
	head := make([]byte, headSize)
	n, _ := content.ReadAt(head, 0)
	head = head[:n]
	switch {
	case isPlain(head):
		d.readPlain(content, size, outline)
	case bytes.HasPrefix(head, []byte(magic)):
		d.readArchive(readCustom(io.NewSectionReader(content, 0, size), outline))
	case isTar(head):
		d.readArchive(readTar(content, size, outline))
	default:
		return d, d.readName(content, size, head)
	}
	return d, material.ByContent
}

func (d *dump) readPlain(content io.ReaderAt, size int64, outline bool) {
	if outline {
		size = min(size, outlineSize)
	}
	p, err := readPlain(io.NewSectionReader(content, 0, size), outline)
	d.format, d.databases, d.defect = formatPlain, p.databases, err
	if err == nil && !outline {
		d.defect = p.defect()
	}
	for i := range d.databases {
		if db := &d.databases[i]; db.inserts {
			db.unread = "its rows are INSERT commands"
		}
	}
	d.role = RoleCluster
	if !p.cluster {
		d.role = RoleDatabase
		if len(d.databases) > 0 {
			d.role = d.databases[0].role(path.Base(d.name))
		}
	}
}

func (d *dump) readArchive(a *archive, err error) {
	d.format = map[byte]string{formatCustom: textCustom, formatTar: textTar, formatDirectory: textFolder}[a.format]
	d.databases = []database{a.database}
	d.role = a.database.role(path.Base(d.name))
	switch {
	case errors.Is(err, errVersion):
		d.opaque = err.Error()
	case err != nil:
		d.defect = err
	case a.format == formatDirectory:
		d.opaque = "of the directory format this is the outline alone: its data is in the files beside it"
	case d.format == "":
		d.defect = errArchive
	}
	d.databases[0].complete = err == nil
}

// readName takes the role from the name of a file that is no dump by its content.
func (d *dump) readName(content io.ReaderAt, size int64, head []byte) material.Certainty {
	base := strings.ToLower(path.Base(d.name))
	if strings.Contains(base, "pyaleph-ipfs") || strings.Contains(base, "pyaleph-local-storage") {
		d.role, d.format = RoleAlephFiles, textVolume
		d.readVolume(content, size, head)
		return material.ByName
	}
	m := regexp.MustCompile(`^(validator|sv|scan|splitwell|participant|sequencer|mediator)(-\d+)?([-_]\d{4}-.*)?\.(dump|sql)(\.(gz|zst|xz|bz2|lz4|zip))?$`).FindStringSubmatch(base)
	if m == nil || m[4] != "dump" && !nameTime(d.name).known() {
		return material.NotMine
	}
	d.databases = []database{{}}
	switch m[1] {
	case "participant":
		d.role = RoleParticipant
	case "sequencer", "mediator":
		d.role = RoleCanton
	default:
		d.role = RoleApps
	}
	switch {
	case size == 0:
		d.defect = errors.New("it is empty")
	case isCompressed(head):
		d.opaque = "it is compressed as a whole"
	default:
		d.defect = errors.New("it does not begin as pg_dump's output does")
	}
	return material.ByName
}

// isCompressed knows gzip, zstd, xz, bzip2, lz4 and zip by their first bytes.
func isCompressed(head []byte) bool {
	for _, sign := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd7zXZ", "BZh", "\x04\x22\x4d\x18", "PK\x03\x04"} {
		if bytes.HasPrefix(head, []byte(sign)) {
			return true
		}
	}
	return false
}

func (d *dump) readVolume(content io.ReaderAt, size int64, head []byte) {
	switch {
	case size == 0:
		d.defect = errors.New("it is empty")
	case isCompressed(head):
		d.opaque = "it is compressed"
	default:
		newest, files, err := newestFile(content, size)
		if err != nil || files == 0 {
			d.defect = errors.New("it is no whole tar file")
			return
		}
		d.newest = stamp{at: newest}
	}
}

// starts is when the dump of a database began, by the best that is known.
func (d *dump) starts(db *database) stamp {
	if db != nil && db.started.known() && db.started.error == 0 {
		return db.started
	}
	if s := nameTime(d.name); s.known() {
		return s
	}
	if db == nil {
		return stamp{}
	}
	return db.started
}

func (d *dump) note() string {
	var parts []string
	if d.format != "" {
		parts = append(parts, d.format)
	}
	if d.role == RoleParticipant {
		parts = append(parts, "holds the participant's private keys unless a KMS does")
	}
	if d.role == RoleCluster {
		parts = append(parts, "holds the password hashes of its roles")
	}
	if d.opaque != "" {
		parts = append(parts, d.opaque)
	}
	if d.defect != nil {
		parts = append(parts, d.defect.Error())
	}
	return strings.Join(parts, "; ")
}

// title names a database of a dump.
func (d *dump) title(db *database) string {
	if d.role != RoleCluster {
		return fmt.Sprintf("%q", d.name)
	}
	return fmt.Sprintf("database %q of %q", db.name, d.name)
}
