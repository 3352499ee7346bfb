package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// The files, in the folder ledger/ of the vault's folder and of a generation.
const (
	FolderName    = "ledger"
	LinesName     = "ledger.jsonl"
	HeadName      = "head.json"
	SignatureName = "head.json.minisig"
)

const (
	headFormat   = "coldvault.ledger/1"
	maxHead      = 4 << 10
	maxSignature = 4 << 10
)

// Dir is what the ledger needs of the folder of a vault. *media.Dir is one; its Replace
// leaves the old file or the new one, whenever power is cut. From Open to Save the caller
// holds the folder's lock.
type Dir interface {
	Read(name string, limit int64) ([]byte, error)
	MkdirAll(dir string) error
	Replace(name string, data []byte) error
	ReadBack(name string, data []byte) error
}

// Sign gives the signature file for head.json.
type Sign func(message []byte) (signature []byte, err error)

// Verify proves the signature file of head.json.
type Verify func(message, signature []byte) error

// Head is head.json: the last line that is signed, and with it all before.
type Head struct {
	Format string `json:"format"`
	Vault  string `json:"vault"`
	N      int    `json:"n"`
	Hash   string `json:"hash"` // SHA-256 of the line, in hex
}

func (h Head) marshal() ([]byte, error) {
	data, err := json.MarshalIndent(h, "", "  ")
	return append(data, '\n'), err
}

func parseHead(data []byte) (Head, error) {
	var h Head
	if err := json.Unmarshal(data, &h); err != nil {
		return Head{}, fmt.Errorf("%s: not the JSON that is expected here: %w", HeadName, err)
	}
	if again, err := h.marshal(); err != nil || !bytes.Equal(data, again) || h.Format != headFormat {
		return Head{}, fmt.Errorf("%s: not in the canonical form of %s", HeadName, headFormat)
	}
	return h, nil
}

// Open reads the ledger of a vault from its folder and proves its signature. A vault
// without a ledger gives fs.ErrNotExist. Keeps G23.
func Open(dir Dir, vault string, verify Verify) (*Ledger, error) {
	return load(vault, verify, func(name string, limit int64) ([]byte, error) {
		return dir.Read(path.Join(FolderName, name), limit)
	})
}

// Unpack is Open for what Files gave.
func Unpack(files map[string][]byte, vault string, verify Verify) (*Ledger, error) {
	return load(vault, verify, func(name string, limit int64) ([]byte, error) {
		data, ok := files[path.Join(FolderName, name)]
		switch {
		case !ok:
			return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
		case int64(len(data)) > limit:
			return nil, fmt.Errorf("%s: %d bytes where at most %d are allowed", name, len(data), limit)
		}
		return data, nil
	})
}

func load(vault string, verify Verify, read func(string, int64) ([]byte, error)) (*Ledger, error) {
	optional := func(name string, limit int64) ([]byte, error) {
		data, err := read(name, limit)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return data, err
	}
	head, err := optional(HeadName, maxHead)
	if err != nil {
		return nil, err
	}
	signature, err := optional(SignatureName, maxSignature)
	if err != nil {
		return nil, err
	}
	data, err := read(LinesName, MaxSize)
	if errors.Is(err, fs.ErrNotExist) && (head != nil || signature != nil) {
		return nil, fmt.Errorf("%s is gone, and there is a signed head of it: restore it from a generation", LinesName)
	}
	if err != nil {
		return nil, err
	}
	l, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if l.Vault() != vault {
		return nil, fmt.Errorf("%s is that of vault %s, not of %s", LinesName, l.Vault(), vault)
	}
	if err := l.loadHead(head, signature, verify); err != nil {
		return nil, err
	}
	return l, nil
}

// loadHead proves the signed head.
//
// The signature is written before the head, since a head can be made again from the
// lines and a signature cannot: after a power cut between the two, it is that of one of
// the last lines.
func (l *Ledger) loadHead(head, signature []byte, verify Verify) error {
	if signature == nil {
		if head != nil {
			return fmt.Errorf("%s has no signature", HeadName)
		}
		return nil
	}
	var wrong error
	if head != nil {
		if wrong = verify(head, signature); wrong == nil {
			h, err := parseHead(head)
			if err == nil {
				err = l.covers(h)
			}
			if err != nil {
				return err
			}
			l.head, l.signature = h, signature
			return nil
		}
	}
	// Every Save writes the missing head, so it takes as many cuts as there are
	// unsigned commands to need more than the last lines.
	const lines = 1000
	for n := len(l.entries); n > 0 && n > len(l.entries)-lines; n-- {
		h, message, err := l.headAt(n)
		if err != nil {
			return err
		}
		if err = verify(message, signature); err == nil {
			l.head, l.signature = h, signature
			return nil
		} else if wrong == nil {
			wrong = err
		}
	}
	return fmt.Errorf("%s: %w", HeadName, wrong)
}

// covers tells whether the lines are those that were signed.
func (l *Ledger) covers(h Head) error {
	switch {
	case h.Vault != l.Vault():
		return fmt.Errorf("%s is that of vault %s, not of %s", HeadName, h.Vault, l.Vault())
	case h.N < 1 || h.N > len(l.entries):
		return &LineError{len(l.entries) + 1, fmt.Errorf("it is missing: %d lines were signed", h.N)}
	case h.Hash != l.hash(h.N):
		return &LineError{h.N, errors.New("it is not the line that was signed")}
	}
	return nil
}

func (l *Ledger) headAt(n int) (h Head, data []byte, err error) {
	h = Head{Format: headFormat, Vault: l.Vault(), N: n, Hash: l.hash(n)}
	data, err = h.marshal()
	return h, data, err
}

// Sign signs all lines there are, and proves the signature.
func (l *Ledger) Sign(sign Sign, verify Verify) error {
	if len(l.entries) == 0 {
		return errors.New("there is no line to sign")
	}
	h, message, err := l.headAt(len(l.entries))
	if err != nil {
		return err
	}
	signature, err := sign(message)
	if err != nil {
		return fmt.Errorf("signing %s: %w", HeadName, err)
	}
	if err := verify(message, signature); err != nil {
		return fmt.Errorf("%s: the signature just made is not good: %w", HeadName, err)
	}
	l.head, l.signature = h, signature
	return nil
}

// Files are the files of the ledger, by their names in the folder of a vault or in a
// generation.
func (l *Ledger) Files() (map[string][]byte, error) {
	files := map[string][]byte{path.Join(FolderName, LinesName): l.Bytes()}
	if l.signature != nil {
		head, err := l.head.marshal()
		if err != nil {
			return nil, err
		}
		files[path.Join(FolderName, HeadName)] = head
		files[path.Join(FolderName, SignatureName)] = bytes.Clone(l.signature)
	}
	return files, nil
}

// Save writes what changed, and reads it back: lines, signature, head, in this order
// (loadHead tells why). The file of lines is written anew beside the old one and
// renamed: at some 200 bytes a line that costs nothing, and unlike appending it leaves
// no torn line. Keeps G23.
func (l *Ledger) Save(dir Dir) error {
	files, err := l.Files()
	if err != nil {
		return err
	}
	lines := path.Join(FolderName, LinesName)
	old, err := dir.Read(lines, MaxSize)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if whole := old[:bytes.LastIndexByte(old, '\n')+1]; !bytes.HasPrefix(l.data, whole) {
		return fmt.Errorf("%s was changed by another program since it was read: nothing is written", LinesName)
	}
	if err := dir.MkdirAll(FolderName); err != nil {
		return err
	}
	for _, name := range []string{LinesName, SignatureName, HeadName} {
		name = path.Join(FolderName, name)
		data, ok := files[name]
		if !ok {
			continue
		}
		if old, err := dir.Read(name, MaxSize); err == nil && bytes.Equal(old, data) {
			continue
		}
		if err := dir.Replace(name, data); err != nil {
			return err
		}
		if err := dir.ReadBack(name, data); err != nil {
			return err
		}
	}
	return nil
}
