package format

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of names of material.
const (
	maxName      = 1024
	maxComponent = 255
)

// CheckName refuses a name that could leave the folder it is restored to, or
// that another system would read differently. Keeps G8.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fmt.Errorf("name %.64q is empty, longer than %d bytes, or not UTF-8", name, maxName)
	}
	if strings.HasPrefix(name, "/") {
		return fmt.Errorf("name %q is absolute", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(part) > maxComponent {
			return fmt.Errorf("name %q has the component %q, which is not allowed", name, part)
		}
	}
	for _, r := range name {
		if r == '\\' || unicode.IsControl(r) {
			return fmt.Errorf("name %q has the character %q, which is not allowed", name, r)
		}
	}
	first, _, _ := strings.Cut(name, "/")
	if strings.EqualFold(name, ContentsName) || strings.EqualFold(name, SignerKeyName) || strings.EqualFold(first, PartialName) {
		return fmt.Errorf("name %q is reserved", name)
	}
	return nil
}

// NameSet refuses names that would meet in one folder: equal ignoring case, or
// one a folder of the other.
type NameSet struct {
	files   map[string]string // folded name → name
	folders map[string]string // folded folder → a name below it
}

// NewNameSet returns an empty set.
func NewNameSet() *NameSet {
	return &NameSet{files: map[string]string{}, folders: map[string]string{}}
}

// Add checks name and adds it.
func (s *NameSet) Add(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	folded := fold(name)
	if other, ok := s.files[folded]; ok {
		return fmt.Errorf("names %q and %q are the same where case does not count", other, name)
	}
	if other, ok := s.folders[folded]; ok {
		return fmt.Errorf("name %q is a file, and the folder of %q", name, other)
	}
	for dir := path.Dir(folded); dir != "."; dir = path.Dir(dir) {
		if other, ok := s.files[dir]; ok {
			return fmt.Errorf("name %q is a file, and the folder of %q", other, name)
		}
		s.folders[dir] = name
	}
	s.files[folded] = name
	return nil
}

// fold maps names that a case-insensitive file system takes for one to one
// string: the smallest rune of each simple-folding orbit.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}
