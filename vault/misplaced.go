package vault

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"coldvault/media"
	"coldvault/vault/format"
)

// Files that lie on a medium in the place of others: two generations whose bundles were exchanged by hand.
// What is not as listed may be the only copy of another file, so it is put there before anything is replaced,
// and where it is damaged besides, it is kept for the repair of that file.

// unlike is a file that is not as a generation lists it.
type unlike struct {
	listed
	of   Generation
	want format.ManifestFile
	size int64 // of what is there, -1 for nothing that can be opened
	was  error // what the check found
	sum  []byte
}

// misplaced puts the files that are whole in the places of others where they belong. All of them are durable
// beside the others before the first takes its name: an exchange that is cut loses nothing. With an error nothing
// else may be replaced: it may be what could not be put in its place. Keeps G22.
func (j *mending) misplaced() error {
	found, err := j.unlike()
	if err != nil {
		return err
	}
	var moves []move
	for _, to := range found {
		for _, from := range found {
			is, err := j.holds(from, to)
			if err != nil {
				return err
			}
			if is {
				moves = append(moves, move{to, from})
				break
			}
		}
	}
	for i, m := range moves {
		if err := j.beside(m.to, m.from, ""); err != nil {
			for _, done := range moves[:i+1] {
				_ = j.dir.RemoveAll(media.TempName(j.place(done.to.listed)))
			}
			return fmt.Errorf("%s lies whole in the place of %s, and could not be put in its own: %w; nothing more is repaired here, for that could destroy it: make room on the medium and repair again",
				j.name(m.to.listed), j.name(m.from.listed), err)
		}
	}
	// Parity first: what is damaged is known by it.
	for _, parity := range []bool{true, false} {
		if !parity {
			if err := j.keepDamaged(found, moves); err != nil {
				return err
			}
		}
		for _, m := range moves {
			if format.IsParity(m.to.name) != parity {
				continue
			}
			err := j.dir.Adopt(j.place(m.to.listed))
			j.put(j.name(m.to.listed), 0, err)
			if err != nil {
				return err // what is durable beside is taken by the next repair
			}
			j.placed[m.to.listed] = true
		}
	}
	return nil
}

// move is a file that is whole in the place of another.
type move struct{ to, from *unlike }

// keepDamaged keeps what lies in the place of a file and is needed to rebuild another one.
func (j *mending) keepDamaged(found []*unlike, moves []move) error {
	for _, to := range found {
		if format.IsParity(to.name) || slices.ContainsFunc(moves, func(m move) bool { return m.to == to }) {
			continue
		}
		c := &Copy{Generation: to.of, Identity: j.Medium.Identity, media: j.sources(to.of)}
		alone := errors.New("not tried")
		for _, from := range found {
			if from == to || from.size != to.want.Size || slices.ContainsFunc(moves, func(m move) bool { return m.from == from }) {
				continue
			}
			if alone != nil {
				_, alone = c.try(to.want)
			}
			if alone == nil {
				break // it is not needed
			}
			needed, err := j.rebuilds(c, to, from)
			if err == nil && !needed {
				continue
			}
			if err == nil {
				err = j.beside(to, from, restExt)
			}
			if err == nil {
				break
			}
			return fmt.Errorf("%s lies damaged in the place of %s, and could not be kept: %w; nothing more is repaired here, for that could destroy it: make room on the medium and repair again",
				j.name(to.listed), j.name(from.listed), err)
		}
	}
	return nil
}

// rebuilds tells whether a file can be put together with what lies in the place of another, or may be.
func (j *mending) rebuilds(c *Copy, to, from *unlike) (bool, error) {
	b, err := j.Medium.openListed(from.generation, from.name)
	if err != nil {
		return false, err
	}
	defer b.Close()
	for range 2 { // once more where something could not be read: it would be thrown away
		a := &assembly{want: to.want, good: is(to.want), more: b}
		var whole media.Blob
		if whole, _, err = c.together(a); err == nil {
			return true, whole.Close()
		}
		if !a.unread.Load() {
			break
		}
	}
	return errors.Is(err, media.ErrScratch), nil
}

func (j *mending) name(l listed) string  { return path.Join(generationDir(l.generation), l.name) }
func (j *mending) place(l listed) string { return path.Join(j.Medium.base, j.name(l)) }

// unlike are the files that are not as they are listed, or not there.
func (j *mending) unlike() (out []*unlike, err error) {
	numbers, err := j.Medium.numbers()
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		g := j.Medium.readGeneration(j.Medium.Identity, n)
		if g.Err != nil && j.digests[n] != "" {
			return nil, notNow(path.Join(generationDir(n), manifestFile), g.Err)
		}
		if g.Err != nil {
			// The same manifest as a repair gives back, and nothing that may be another generation.
			all, _ := manifests(j.Medium.Identity, n, append([]*Medium{j.Medium}, j.others...))
			if len(all) != 1 || j.Medium.compareAll(all[0]).another() || errors.Is(g.Err, ErrIncomplete) && j.Medium.fate(n) == leaving {
				continue
			}
			g = all[0]
		}
		for _, f := range g.Manifest.Files {
			err, known := j.was(g, f.Name)
			if !known {
				err = j.Medium.verifyListed(n, f)
			}
			if err == nil || errors.Is(err, fs.ErrNotExist) && j.Medium.mayLack(f.Name) {
				continue
			}
			u := &unlike{listed{n, f.Name}, g, f, -1, err, nil}
			b, openErr := j.Medium.openListed(n, f.Name)
			switch {
			case openErr == nil:
				u.size = b.Size()
				b.Close()
			case u.wasRead():
				return nil, notNow(j.name(u.listed), openErr)
			}
			out = append(out, u)
		}
	}
	return out, nil
}

// wasRead tells that the check could read the file.
func (u *unlike) wasRead() bool {
	var differs differsError
	return errors.As(u.was, &differs)
}

// notNow ends a repair where the medium does not give back what the check could read: nobody knows then what lies
// in whose place.
func notNow(name string, err error) error {
	return fmt.Errorf("%s could be read by the check, and not now: %w; repair again", name, err)
}

// holds tells whether what is in the place of one file is another. It is read only where the sizes are the same.
func (j *mending) holds(from, to *unlike) (bool, error) {
	if from == to || from.size != to.want.Size {
		return false, nil
	}
	if from.sum == nil {
		b, err := j.Medium.openListed(from.generation, from.name)
		if err == nil {
			from.sum, err = digestOf(b)
			err = errors.Join(err, b.Close())
		}
		switch {
		case err == nil:
		case from.wasRead():
			return false, notNow(j.name(from.listed), err)
		default:
			from.size = -1
			return false, nil
		}
	}
	return compareDigest(from.size, from.sum, to.want) == nil, nil
}

// beside writes a file under its temporary name, durable, and reads it back; with an ext behind that it is what
// there is of the file.
func (j *mending) beside(to, from *unlike, ext string) error {
	pending, err := j.dir.Rewrite(j.place(to.listed) + ext)
	if err != nil {
		return err
	}
	defer pending.Abort()
	b, err := j.Medium.openListed(from.generation, from.name)
	if err != nil {
		return err
	}
	defer b.Close()
	sum := sha256.New()
	if err := copyAt(io.MultiWriter(pending, sum), b, to.want.Size, j.progress(to.name, to.want.Size)); err != nil {
		return err
	}
	if err := pending.Keep(); err != nil {
		return err
	}
	rest := to.want
	rest.Name = media.TempName(rest.Name + ext)
	if ext != "" {
		rest.SHA256 = hex.EncodeToString(sum.Sum(nil))
	}
	return j.Medium.verifyListed(to.generation, rest)
}
