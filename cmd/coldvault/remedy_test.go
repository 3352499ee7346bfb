package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"coldvault/cmd/internal/ceremony"
	"coldvault/media"
	"coldvault/vault"
)

// A medium that is full, or that cannot be written, is copied: another medium beside it does not make room.
func TestTheRemedyForAMediumThatTakesNoRepairIsACopy(t *testing.T) {
	dir, err := media.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, why := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES} {
		checked := &vault.Checked{
			Medium:      &vault.Medium{Source: dir},
			Generations: []vault.CheckedGeneration{{Number: 1, Lost: []string{"cold.age"}}},
			Findings:    []vault.Finding{{Severity: vault.Damage, ID: "BUNDLE-DIGEST"}},
			Mended:      []vault.Mended{{Err: fmt.Errorf("%w: write: %w", media.ErrScratch, why)}},
		}
		hint := remedy(&ceremony.CheckResult{Media: []*vault.Checked{checked}}, true)
		if want := "`coldvault copy --from " + dir.Name() + " --to ANOTHER`"; !strings.HasSuffix(hint, want) || strings.Contains(hint, "needs one more") {
			t.Errorf("%v: %s", why, hint)
		}
	}
}

// What a repair has left that can be repaired now needs no other medium.
func TestTheRemedyForWhatCanBeRepairedAfterARepairIsAnother(t *testing.T) {
	dir, err := media.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, tt := range []struct {
		repairable bool
		want       string
	}{{true, "repair it once more"}, {false, "needs one more"}} {
		checked := &vault.Checked{
			Medium:      &vault.Medium{Source: dir},
			Generations: []vault.CheckedGeneration{{Number: 1, Damaged: true, Repairable: tt.repairable}},
			Findings:    []vault.Finding{{Severity: vault.Damage, ID: "BUNDLE-DIGEST"}},
		}
		hint := remedy(&ceremony.CheckResult{Media: []*vault.Checked{checked}}, true)
		if !strings.Contains(hint, tt.want) || tt.repairable && strings.Contains(hint, "needs one more") {
			t.Errorf("%t: %s", tt.repairable, hint)
		}
	}
}
