package samplepool_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
	"coldvault/vault/material/cardano"
	"coldvault/vault/material/cardano/samplepool"
)

func inspect(t *testing.T, options samplepool.Options, profile cardano.Profile) material.Report {
	t.Helper()
	made, err := samplepool.New(rand.Reader, options)
	require.NoError(t, err)
	var files []material.File
	for name, data := range made {
		files = append(files, material.File{Name: name, Data: data, Size: int64(len(data)), Mode: 0o400})
	}
	return material.Inspect(files, profile)
}

func TestSamplePoolIsCoherent(t *testing.T) { // everything that can be proven about a pool made here is
	for _, options := range []samplepool.Options{{}, {Mainnet: true, Number: 300, Period: 414, Ticker: "LONGT"}} {
		preview := cardano.Preview()
		r := inspect(t, options, cardano.Profile{Chain: &preview})
		for _, v := range r.Verdicts {
			if v.ID == cardano.CheckCounterChain {
				require.Equal(t, material.Unknown, v.Status)
				continue
			}
			require.Equal(t, material.Pass, v.Status, "%s: %s", v.ID, v.Text)
		}
		roles := map[string]bool{}
		for _, item := range r.Items {
			require.Equal(t, cardano.Network, item.Network, item.Name)
			roles[item.Role] = true
		}
		for _, entry := range cardano.Plan() {
			require.Equal(t, entry.Role != cardano.RoleSnapshot, roles[entry.Role], entry.Title)
		}
	}
}

func TestKESDates(t *testing.T) { // a certificate is good between its first and its last second, and told to be soon over
	preprod := cardano.Preprod()
	end, ok := preprod.Expiry(100)
	require.True(t, ok)
	start := end.Add(-62 * 36 * time.Hour)
	for now, want := range map[time.Time]material.Status{
		start.Add(-time.Second):         material.Warn,
		start:                           material.Pass,
		end.Add(-15 * 24 * time.Hour):   material.Pass,
		end.Add(-13 * 24 * time.Hour):   material.Warn,
		end:                             material.Warn,
		end.Add(1000 * 24 * time.Hour):  material.Warn,
		end.Add(-1 * time.Second).UTC(): material.Warn,
	} {
		r := inspect(t, samplepool.Options{Period: 100}, cardano.Profile{Chain: &preprod, Now: now})
		found := false
		for _, v := range r.Verdicts {
			if v.ID == cardano.CheckKESExpiry {
				found = true
				require.Equal(t, want, v.Status, "%s: %s", now, v.Text)
			}
		}
		require.True(t, found)
	}
}

func TestFiles(t *testing.T) { // the bytes of an envelope are cardano-cli's, and equal random bytes make equal files
	seed := bytes.Repeat([]byte{3}, 5*32)
	a, err := samplepool.New(bytes.NewReader(seed), samplepool.Options{})
	require.NoError(t, err)
	b, err := samplepool.New(bytes.NewReader(seed), samplepool.Options{})
	require.NoError(t, err)
	require.Equal(t, a, b)
	require.Equal(t, "{\n    \"type\": \"StakePoolSigningKey_ed25519\",\n    \"description\": \"Stake Pool Operator Signing Key\",\n"+
		"    \"cborHex\": \"58200303030303030303030303030303030303030303030303030303030303030303\"\n}\n", string(a["cold.skey"]))
	broken := errors.New("no entropy")
	_, err = samplepool.New(iotest.ErrReader(broken), samplepool.Options{})
	require.ErrorIs(t, err, broken)
}

func TestExpiryDate(t *testing.T) { // a period is a date, and one beyond all dates is refused
	end, ok := cardano.Preprod().Expiry(414)
	require.True(t, ok)
	require.Equal(t, "2024-06-03T00:00:00Z", end.Format(time.RFC3339))
	for _, period := range []uint64{1 << 40, 1<<64 - 1, 1<<64 - 62} {
		_, ok := cardano.Mainnet().Expiry(period)
		require.False(t, ok)
	}
	r := inspect(t, samplepool.Options{Period: 1 << 40}, cardano.Profile{})
	require.Equal(t, material.Fail, r.Worst())
}
