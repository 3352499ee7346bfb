package ceremony

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"coldvault/media"
	"coldvault/shard"
	"coldvault/testvectors"
	"coldvault/vault"
)

// selfTest restores a golden vault, whose answer is known, from a damaged medium: a check
// that says "whole" with a broken decoder, or on a machine that miscalculates, is worse
// than none. Keeps G27.
func selfTest() error { return selfTestOn(testvectors.Golden()) }

func selfTestOn(golden fs.FS) error {
	if err := restoreGolden(golden); err != nil {
		return withHint(fmt.Errorf("the self-test failed, so nothing that this program says here can be relied on: %w", err),
			"compare the program's SHA-256, which `coldvault preflight` shows, with that of its release, and use another machine")
	}
	return nil
}

// selfTestShares is the quorum of the golden vault's compartments.
const selfTestShares = 3

func restoreGolden(golden fs.FS) error {
	medium := media.Memory{Title: "the golden vault", Files: map[string][]byte{}}
	err := fs.WalkDir(golden, "medium", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(golden, name)
		medium.Files[strings.TrimPrefix(name, "medium/")] = data
		return err
	})
	if err != nil {
		return err
	}
	found, err := vault.OpenMedia(medium)
	if err != nil {
		return err
	}
	if vault.Check(found[0], vault.CheckOptions{}).Damaged() {
		return errors.New("a whole medium is called damaged")
	}
	for name, data := range medium.Files {
		if strings.HasSuffix(name, "000002/hot.age") {
			data[len(data)/2] ^= 1
		}
	}
	if !vault.Check(found[0], vault.CheckOptions{}).Damaged() {
		return errors.New("a damaged medium is called whole")
	}
	return openGolden(golden, found)
}

// openGolden opens both compartments with a quorum and compares every file.
func openGolden(golden fs.FS, found []*vault.Medium) error {
	in, err := NewIntake()
	if err != nil {
		return err
	}
	defer in.Close()
	for i := range selfTestShares {
		card, err := fs.ReadFile(golden, fmt.Sprintf("cards/card-%d.digits.txt", i+1))
		if err != nil {
			return err
		}
		in.Add("-", bytes.NewReader(card))
	}
	copies, err := vault.GatherCopies(found, "")
	if err != nil {
		return err
	}
	generation, err := copies.Select(0)
	if err != nil {
		return err
	}
	expected, err := fs.ReadFile(golden, fmt.Sprintf("expected/%06d.sha256", generation.Number))
	if err != nil {
		return err
	}
	shares := vault.JudgeShares(generation.Identity, in.shares())
	back := map[string]bool{}
	for _, c := range []shard.Compartment{shard.Cold, shard.Hot} {
		b, _, err := generation.Open(c.String(), shares)
		if err != nil {
			return err
		}
		defer b.Destroy()
		for _, f := range b.Contents.Files {
			digest, err := hex.DecodeString(f.SHA256)
			if err != nil || !bytes.Contains(expected, fmt.Appendf(nil, "%x  %s\n", digest, f.Name)) {
				return fmt.Errorf("%q is not the file that it was", f.Name)
			}
			back[f.Name] = true
		}
	}
	if want := bytes.Count(expected, []byte("\n")); len(back) != want {
		return fmt.Errorf("%d of %d files came back", len(back), want)
	}
	return nil
}
