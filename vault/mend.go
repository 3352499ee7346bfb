package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"coldvault/media"
	"coldvault/vault/format"
	"coldvault/vault/ledger"
)

// Mended says what a repair has done to one file.
type Mended struct {
	Path    string
	Rebuilt int   // pieces that came from parity; 0 where another copy had the file
	Err     error // nil where the file is good now
}

// Mend rebuilds what is damaged on a medium, from its parity and from the other media of
// the vault that are at hand. A file is written beside the damaged one, read back, and
// only then takes its name; nothing is changed in place. What is signed is put back only
// with its signature. now goes into a log that begins anew. Keeps G22.
func Mend(c *Checked, dir *media.Dir, others []*Medium, now time.Time, progress func(step string, done, total int64)) ([]Mended, error) {
	unlock, err := dir.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	j := &mending{Checked: c, dir: dir, now: now, placed: map[listed]bool{}, progress: newSteps(progress)}
	for _, m := range others {
		if m.ID == c.Medium.ID && m.Source != c.Medium.Source {
			j.others = append(j.others, m)
		}
	}
	if err := j.identity(); err != nil {
		return j.done, err
	}
	j.kit()
	j.log()
	if err := j.misplaced(); err != nil {
		return j.done, err
	}
	generations, err := j.Medium.Generations(j.Medium.Identity)
	t := &target{dir: dir, base: j.Medium.base}
	for _, g := range generations {
		j.generation(g.Number)
		// The rest of a file that is still damaged may be what the next repair needs.
		now := j.Medium.readGeneration(j.Medium.Identity, g.Number)
		err = errors.Join(err, sweep(dir, path.Join(t.base, generationDir(g.Number)), func(name string) bool { return t.isDamaged(now, name) }))
	}
	for _, folder := range []string{"", kitDir} {
		err = errors.Join(err, sweep(dir, path.Join(t.base, folder), nil))
	}
	return j.done, err
}

type mending struct {
	*Checked
	dir      *media.Dir
	now      time.Time
	others   []*Medium
	done     []Mended
	placed   map[listed]bool // what lay in the place of another
	progress steps
}

// put notes the outcome of one file.
func (j *mending) put(name string, rebuilt int, err error) {
	j.done = append(j.done, Mended{Path: j.Medium.Path(name), Rebuilt: rebuilt, Err: err})
}

// identity puts back vault.json, shares.json, their signatures and the recipients, each from
// where it is good. Without a vault.json here or on another medium nothing can be proven.
func (j *mending) identity() error {
	id, err := identify(j.Medium.ID, append([]*Medium{j.Medium}, j.others...))
	var planted *plantedError
	switch {
	case errors.As(err, &planted):
		return err
	case err != nil:
		return errors.New("no medium at hand has a good vault.json, or none its signature: give another copy beside this one")
	case id.noShares != nil:
		j.put(sharesFile, 0, fmt.Errorf("no medium at hand has a good one: %w", id.noShares))
	}
	for _, name := range identityFiles() {
		want := id.files[name]
		if j.Medium.Err == nil && j.Medium.Identity.files[name] != nil {
			want = j.Medium.Identity.files[name] // an older shares.json is no damage
		}
		if want == nil {
			continue // nobody has it
		}
		have, err := j.Medium.read(name, int64(len(want)))
		if err == nil && bytes.Equal(have, want) {
			continue
		}
		j.put(name, 0, j.ensure(name, want))
	}
	j.Medium.Identity = id
	return nil
}

// ensure writes a file of the vault unless it is as it must be.
func (j *mending) ensure(name string, want []byte) error {
	return ensure(j.dir, path.Join(j.Medium.base, name), want)
}

// log keeps what is sound of a log that is damaged, or that a power cut left under its temporary
// name. No backup hangs on it, and the next check goes on from there.
func (j *mending) log() {
	name := path.Join(j.Medium.base, ledger.MediumLogName)
	log, err := j.Medium.log()
	there, existsErr := j.dir.Exists(name)
	if j.Medium.OwnFolder() || err == nil && (there || log == nil) {
		return
	}
	next, err := j.Medium.nextLog(j.now)
	if err == nil {
		if log == nil { // or it is no file at all
			err = j.dir.RemoveAll(name)
		}
		err = errors.Join(err, existsErr, j.dir.Replace(name, next.Bytes()))
	}
	j.put(ledger.MediumLogName, 0, err)
}

// generation mends every file that the manifest lists, and then the manifest: where it is missing,
// the generation does not count before all of them are good. One that a seal was removing stays as
// it is.
func (j *mending) generation(number int) {
	bad := j.Medium.readGeneration(j.Medium.Identity, number)
	incomplete := errors.Is(bad.Err, ErrIncomplete)
	copies := j.sources(bad)
	judged := j.Medium.fate(number)
	if incomplete && judged == leaving {
		return
	}
	g := bad
	if bad.Err != nil {
		var ok bool
		if g, ok = j.manifest(bad, copies); !ok {
			return
		}
	}
	mended := true
	for _, want := range g.Manifest.Files {
		name := path.Join(generationDir(number), want.Name)
		err, known := j.was(g, want.Name)
		if !known {
			err = j.Medium.verifyListed(number, want)
		}
		if err == nil || j.placed[listed{number, want.Name}] || errors.Is(err, fs.ErrNotExist) && j.Medium.mayLack(want.Name) {
			continue
		}
		rebuilt, err := j.file(&Copy{Generation: g, Identity: j.Medium.Identity, media: copies}, want)
		j.put(name, rebuilt, err)
		mended = mended && err == nil
	}
	if bad.Err == nil || incomplete && judged == unfinished && !mended {
		return
	}
	for _, name := range []string{manifestFile + signatureExt, manifestFile} {
		want, name := g.files[name], path.Join(generationDir(number), name)
		have, err := j.Medium.read(name, int64(len(want)))
		if err == nil && bytes.Equal(have, want) {
			continue
		}
		err = j.ensure(name, want)
		j.put(name, 0, err)
		if err != nil {
			return
		}
	}
}

// sources are the media that files of a generation are taken from, this one first.
func (j *mending) sources(g Generation) []*Medium {
	all := []*Medium{j.Medium}
	for _, m := range j.others {
		if other := m.readGeneration(j.Medium.Identity, g.Number); other.Err != nil || g.Err != nil || other.Digest == g.Digest {
			all = append(all, m)
		}
	}
	return all
}

// manifest finds a manifest and its signature, as all media together have them.
func (j *mending) manifest(bad Generation, copies []*Medium) (Generation, bool) {
	name := path.Join(generationDir(bad.Number), manifestFile)
	found, _ := manifests(j.Medium.Identity, bad.Number, copies)
	switch {
	case len(found) == 0 && errors.Is(bad.Err, ErrIncomplete):
		if j.Medium.fate(bad.Number) == lost { // else it is the rest of an interrupted write
			j.put(name, 0, errors.New("it is lost, and no other medium at hand has it"))
		}
	case len(found) == 0:
		j.put(name, 0, fmt.Errorf("%w, and no other medium at hand has it", bad.Err))
	case len(found) > 1:
		j.put(name, 0, fmt.Errorf("%w, and the other media have two different ones", bad.Err))
	case j.Medium.compareAll(found[0]).another():
		j.put(name, 0, fmt.Errorf("%w, and none of the files beside it is as generation %d on other media lists it: it may be another one of that number, and nothing is written over it; to have the other one here, move that folder away and copy",
			bad.Err, bad.Number))
	default:
		return found[0], true
	}
	return bad, false
}

// scratchExt is what a file of rebuilt pieces has behind the name of the damaged one.
const scratchExt = ".scratch"

// restExt is what the rest of a cut has behind the name of the file while that is repaired.
const restExt = ".rest"

// file writes one listed file again.
func (j *mending) file(c *Copy, want format.ManifestFile) (rebuilt int, err error) {
	name := path.Join(j.Medium.base, generationDir(c.Number), want.Name)
	rest := want
	rest.Name = media.TempName(want.Name)
	if j.Medium.verifyListed(c.Number, rest) == nil {
		return 0, j.dir.Adopt(name)
	}
	if err := j.keepRest(name); err != nil {
		return 0, err
	}
	pending, err := j.dir.Rewrite(name)
	if err != nil {
		return 0, err
	}
	defer pending.Abort()
	if rebuilt, err = j.content(c, want, pending); err != nil {
		return rebuilt, err
	}
	if err := pending.Sync(); err != nil {
		return rebuilt, err
	}
	if err := j.Medium.verifyListed(c.Number, rest); err != nil {
		return rebuilt, fmt.Errorf("it cannot be repaired: %w", err)
	}
	return rebuilt, pending.Commit()
}

// keepRest keeps what a rename that was cut left of a file: it may be damaged too, and still hold
// what is needed. Where the file is gone it is that file until the repair is whole.
func (j *mending) keepRest(name string) error {
	there, err := j.dir.Exists(name)
	if err != nil {
		return err
	}
	if !there {
		err = j.dir.Adopt(name)
	} else if kept, keptErr := j.dir.Exists(media.TempName(name + restExt)); keptErr != nil || kept {
		return keptErr // then the other one is of a repair that was cut, out of this one
	} else {
		err = j.dir.KeepRest(name, name+restExt)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// content writes what a file must be: as another medium has it, as it follows from what it
// is the parity of, or as it is put together from all media, of which this one is the first.
// Files may be large and media slow, so what is written is judged while it is read.
func (j *mending) content(c *Copy, want format.ManifestFile, out *media.Pending) (rebuilt int, err error) {
	scratch, err := j.dir.Rewrite(path.Join(j.Medium.base, generationDir(c.Number), want.Name+scratchExt))
	if err != nil {
		return 0, err
	}
	defer scratch.Abort()
	good := written(out, want, j.progress)
	for _, m := range c.media[1:] {
		b, err := m.openListed(c.Number, want.Name)
		if err == nil {
			err = errors.Join(good(b), b.Close())
		}
		if err == nil || isWrite(err) {
			return 0, err
		}
	}
	if format.IsParity(want.Name) {
		of, err := c.parityOf(want)
		if err != nil {
			return 0, err
		}
		from, err := j.parityFrom(c, of, scratch)
		if err != nil {
			return 0, err
		}
		defer from.Close()
		return 0, media.WriteParity(out, from, of.Size, media.ParityOptions{})
	}
	from, rebuilt, err := c.together(&assembly{want: want, scratch: scratch, good: good, over: j.Medium})
	if err != nil {
		return 0, err
	}
	return rebuilt, from.Close()
}

// parityFrom opens what a parity file is made of: here, if the check has found it whole.
func (j *mending) parityFrom(c *Copy, of format.ManifestFile, scratch Scratch) (media.Blob, error) {
	if err, known := j.was(c.Generation, of.Name); known && err == nil {
		return j.Medium.openListed(c.Number, of.Name)
	}
	from, _, err := c.proven(of, scratch)
	return from, err
}

// parityOf gives the file that a parity file is of.
func (c *Copy) parityOf(parity format.ManifestFile) (format.ManifestFile, error) {
	of, ok := c.Manifest.File(strings.TrimSuffix(parity.Name, format.ParityName("")))
	if !ok {
		return of, fmt.Errorf("the manifest does not list what %s is the parity of", parity.Name)
	}
	return of, nil
}

// copyAt copies the first size bytes of a file. One that is shorter is io.ErrUnexpectedEOF:
// who states a size writes none of it that was not read.
func copyAt(w io.Writer, r io.ReaderAt, size int64, progress func(int)) error {
	buffer := copyBuffer(size)
	for offset := int64(0); offset < size; {
		part := buffer[:min(int64(len(buffer)), size-offset)]
		if n, err := r.ReadAt(part, offset); n < len(part) {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
		offset += int64(len(part))
		progress(len(part))
	}
	return nil
}

// kit puts back files of the kit that another medium has, as the signed list here or
// there names them.
func (j *mending) kit() {
	here := readKit(j.Medium, j.Medium.Identity)
	if here.whole() || j.Medium.OwnFolder() {
		return
	}
	for _, m := range j.others {
		there := readKit(m, j.Medium.Identity)
		if !there.whole() || here.err == nil && !bytes.Equal(here.sums, there.sums) {
			continue
		}
		files, err := there.files()
		if err != nil {
			continue
		}
		_, err = writeKit(j.dir, j.Medium.base, files)
		j.put(kitDir, 0, err)
		return
	}
}
