package vault

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/media"
	"coldvault/media/mediatest"
)

// keeping is a medium that seals with --keep go to.
type keeping struct {
	*world
	t     *testing.T
	stick *mediatest.FS
}

func newKeeping(t *testing.T) *keeping {
	t.Helper()
	return &keeping{newFastWorld(t), t, mediatest.New("stick")}
}

func (k *keeping) seal(archive string, keep int) *SealResult {
	k.t.Helper()
	result, err := k.sealWith(archive, keep, media.NewDir(k.stick))
	require.NoError(k.t, err)
	require.Empty(k.t, result.Failed)
	return result
}

func (k *keeping) at(name string) string { return path.Join(mediumFolder, k.folder.ID, name) }

// has are the generations on the medium.
func (k *keeping) has() []int {
	k.t.Helper()
	found, err := OpenMedia(media.NewDir(k.stick))
	require.NoError(k.t, err)
	numbers, err := found[0].numbers()
	require.NoError(k.t, err)
	return numbers
}

// A damaged generation is none of those that are kept, and no older one goes for it. Breaks G22.
func TestKeepCountsWhatIsWhole(t *testing.T) {
	for name, damage := range map[string]func(k *keeping){
		"changed": func(k *keeping) { flipOn(k.t, k.stick, k.at("generations/000003/cold.age"), 60) },
		"missing": func(k *keeping) { require.NoError(k.t, k.stick.Remove(k.at("generations/000003/hot.age"))) },
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeeping(t)
			for range 3 {
				k.seal("", 0)
			}
			damage(k)
			result := k.seal("", 2)
			require.Equal(t, []int{2, 3, 4}, k.has())
			require.Equal(t, []Retired{{1, 0}}, result.Retired["stick"])
			require.Len(t, result.Notes, 1)
			require.Contains(t, result.Notes[0], "generation 3 on stick is damaged")

			// With more damaged than are to stay all of them do, until enough are whole.
			flipOn(t, k.stick, k.at("generations/000002/cold.age"), 60)
			require.Empty(t, k.seal("", 3).Retired["stick"])
			require.Equal(t, []int{2, 3, 4, 5}, k.has())
			require.Empty(t, k.seal("", 3).Notes, "three are whole, and the damaged ones are older")
			require.Equal(t, []int{4, 5, 6}, k.has())
		})
	}
}

// Nothing old is read where nothing is to go.
func TestKeepReadsNothingWhereNothingIsToGo(t *testing.T) {
	k := newKeeping(t)
	k.seal("", 0)
	flipOn(t, k.stick, k.at("generations/000001/cold.age"), 60)
	require.Empty(t, k.seal("", 2).Notes)
	require.Equal(t, []int{1, 2}, k.has())
	k.seal("", 1)
	require.Equal(t, []int{3}, k.has(), "the new one is proven")
}

// A seal without an archive does not take the last ones away. Breaks G22.
func TestKeepLeavesTheLastArchives(t *testing.T) {
	k := newKeeping(t)
	archive := archiveFile(t, 3_000)
	k.seal(archive, 0)
	k.seal(archive, 0)
	k.seal(archive, 0)
	flipOn(t, k.stick, k.at("generations/000003/archive-01.age"), 60)
	result := k.seal("", 1)
	require.Equal(t, []int{2, 3, 4}, k.has(), "the third is damaged, the second has them whole")
	require.Equal(t, []Retired{{1, 1}}, result.Retired["stick"])
	notes := strings.Join(result.Notes, "\n")
	require.Contains(t, notes, "generation 3 on stick is damaged")
	require.Contains(t, notes, "generation 2 stays on stick beyond --keep 1")
	k.seal("", 2)
	require.Equal(t, []int{2, 3, 4, 5}, k.has())
	require.Empty(t, k.seal(archive, 1).Notes)
	require.Equal(t, []int{6}, k.has())
}

// Which files archives are of is sealed: of two one is nowhere else when the next seal has one.
// Breaks G22.
func TestKeepLeavesMoreArchivesThanTheNextSealHas(t *testing.T) {
	k := newKeeping(t)
	one, other := archiveFile(t, 3_000), archiveFile(t, 5_000)
	require.NoError(t, os.Rename(other, other+"-2"))
	k.seal(one+" "+other+"-2", 0)
	require.Contains(t, strings.Join(k.seal(one, 1).Notes, "\n"), "generation 1 stays on stick beyond --keep 1: nothing newer there that is whole has as many archives (2)")
	require.Equal(t, []int{1, 2}, k.has())
	require.Equal(t, []Retired{{2, 1}}, k.seal(one, 1).Retired["stick"])
	require.Equal(t, []int{1, 3}, k.has())
	k.seal(one+" "+other+"-2", 1)
	require.Equal(t, []int{4}, k.has())
}

// What --keep was removing when the power failed is no damage: the log of the medium says first
// what goes. Shows G22.
func TestARemovalThatWasCutIsNoDamage(t *testing.T) {
	k := newKeeping(t)
	k.seal("", 0)
	rests := 0
	_, err := mediatest.Cut(k.stick, crashLimit(), func(f media.FS) error {
		_, err := k.sealWith("", 1, media.NewDir(f))
		return err
	}, func(after *mediatest.FS, _ bool) error {
		found, err := OpenMedia(media.NewDir(after))
		if err != nil {
			return err
		}
		checked := Check(found[0], CheckOptions{})
		for _, f := range checked.Findings {
			if f.ID == "GENERATION-INCOMPLETE" && strings.HasSuffix(f.Path, generationDir(1)) {
				rests++
				if f.Severity == Damage {
					return errors.New(f.Text)
				}
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, rests, 10)
	t.Logf("%d rests of a removal were seen as that", rests)
}
