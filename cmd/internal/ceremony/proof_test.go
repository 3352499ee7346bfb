package ceremony

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/media/paper"
	"coldvault/qr"
	"coldvault/shard"
	"coldvault/vault"
	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// A card that shows something else than the shares of its custodian is not written. Breaks G6.
func TestACardThatReadsDifferentlyIsRefused(t *testing.T) {
	passphrase, err := secret.Move([]byte("correct horse battery"))
	require.NoError(t, err)
	t.Cleanup(passphrase.Destroy)
	r := CreateRequest{Label: "test", Shares: 3, Threshold: 2, Hot: 2, Now: time.Now()}
	fresh, err := vault.Create(r.params(), passphrase)
	require.NoError(t, err)
	t.Cleanup(fresh.Destroy)
	shares, err := fresh.Card(1)
	require.NoError(t, err)
	draw := func(shares []shard.Share) []byte {
		pdf, err := r.drawCard(fresh.Identity, shares, 1)
		require.NoError(t, err)
		return pdf
	}
	require.NoError(t, proveCard(draw(shares), shares))
	others, err := fresh.Card(2)
	require.NoError(t, err)
	for name, drawn := range map[string][]shard.Share{
		"another custodian's":      others,
		"one share of two":         shares[:1],
		"one of another custodian": {shares[0], others[1]},
	} {
		require.ErrorContains(t, proveCard(draw(drawn), shares), "reading it back", name)
	}
	require.Error(t, proveCard([]byte("%PDF-1.4 and nothing more"), shares))
}

// Pages that do not give back what they are to hold are not written. Breaks G6.
func TestPagesThatReadDifferentlyAreRefused(t *testing.T) {
	o := &operator{t: t}
	dir, media := vaultOf(t, o)
	_, err := Seal(o, SealRequest{
		Host:  quietHost(),
		Vault: filepath.Join(dir, "vault"), Sources: []string{fourNetworks(t)}, To: media, Rules: Rules{Now: time.Now()},
	})
	require.NoError(t, err)
	g, closeAll, err := (&PagesRequest{Vault: filepath.Join(dir, "vault")}).open(o)
	require.NoError(t, err)
	t.Cleanup(closeAll)
	payload, err := vault.PackPages(g)
	require.NoError(t, err)
	id, err := format.DecodeVaultID(g.Identity.Vault.ID)
	require.NoError(t, err)
	layout, err := qr.LayoutByName("dense")
	require.NoError(t, err)
	split := func(payload []byte) []qr.Frame {
		frames, err := qr.Split(id, 1, payload, layout, paper.GridFor(layout, paper.A4).Codes(), 25)
		require.NoError(t, err)
		return frames
	}
	draw := func(frames []qr.Frame) []byte {
		pdf, err := drawPages(g, frames, layout, paper.A4)
		require.NoError(t, err)
		return pdf
	}
	frames := split(payload)
	require.NoError(t, provePages(o, draw(frames), frames, payload))
	changed := bytes.Clone(payload)
	changed[len(changed)/2] ^= 1
	require.ErrorContains(t, provePages(o, draw(split(changed)), frames, payload), "do not give back what was drawn")
	require.ErrorContains(t, provePages(o, draw(frames[1:]), frames, payload), "codes can be read")
	twice := slices.Clone(frames)
	twice[1] = twice[0]
	require.ErrorContains(t, provePages(o, draw(twice), frames, payload), "codes can be read")
}
