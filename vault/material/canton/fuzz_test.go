package canton

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coldvault/vault/material"
	"coldvault/vault/material/der"
	"coldvault/vault/material/jsonview"
)

func FuzzProfile(f *testing.F) { // no file, whatever it is, does harm or gives another answer the second time
	files, _ := comet(f, "sv", 70, "5af57aa83abcec085c949323ed8538108757be9c@a:26656")
	for _, one := range files {
		f.Add(one.Name, one.Data)
	}
	n := newNode(f, nodeParticipant, 10)
	f.Add("dump.json", n.dump())
	f.Add("identities.json", []byte(`{"error":"no"}`))
	f.Add("sv_identities.json", encode(f, map[string]any{"identities": svDump(f)}))
	f.Add("x.json", encode(f, map[string]any{"data_snapshot": snapshotData(f), "migration_id": 5}))
	f.Add("a.key", n.encryption.pair(true))
	f.Add("b.bin", n.signing.privatePart())
	f.Add("c.bin", n.signing.publicPart())
	f.Add("operator", operatorLines(f, 5, 5))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		r := inspect(name, data)
		require.Equal(t, r, inspect(name, data))
		if r.Items[0].Network == Network && r.Worst() != material.Fail && r.Items[0].Role != RoleCometConfig {
			require.NotEmpty(t, r.Items[0].ID)
		}
	})
}

func FuzzTopology(f *testing.F) { // whatever is read is in the data: nothing grows
	for _, delimited := range []bool{false, true} {
		n := newNode(f, nodeParticipant, 10)
		n.delimited = delimited
		f.Add(n.topology())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		top, err := readTopology(data)
		if err != nil {
			return
		}
		total := 0
		for _, tx := range top.transactions {
			total += len(tx.bytes)
			for _, s := range tx.signatures {
				total += len(s.bytes) + len(s.by)
			}
		}
		require.LessOrEqual(t, total, len(data))
		top.verify()
	})
}

func FuzzKeyPair(f *testing.F) { // a key pair that is read is a key with a fingerprint
	for _, algorithm := range []der.Algorithm{der.Ed25519, der.P256, der.P384} {
		f.Add(newKey(f, algorithm, 1, true).pair(true))
	}
	f.Add(newKey(f, der.P256, 1, false).pair(false))
	f.Add(secpPair(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		pair, err := readKeyPair(data)
		if err == nil {
			require.True(t, isFingerprint(pair.id))
			require.Equal(t, fingerprint(pair.public), pair.fingerprint)
		}
	})
}

func FuzzWire(f *testing.F) { // fields that are read and written again are the same bytes
	f.Add(newKey(f, der.P256, 1, true).pair(true))
	f.Add(num(7, 1<<40))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out []byte
		err := message(data).each(func(f field) error {
			tag := num(int(f.number), 0)
			tag[0] |= byte(f.wire)
			out = append(out, tag[:len(tag)-1]...)
			switch f.wire {
			case wireVarint:
				out = binary.AppendUvarint(out, f.value)
			case wireBytes:
				out = binary.AppendUvarint(out, uint64(len(f.bytes)))
			}
			out = append(out, f.bytes...)
			return nil
		})
		if err == nil {
			require.Equal(t, string(data), string(out))
		}
	})
}

func FuzzOperatorKey(f *testing.F) { // a key that is found is on P-256
	f.Add(operatorLines(f, 5, 5))
	f.Add([]byte(`{"public":"TUZr"}`))
	f.Add([]byte("#" + strings.Repeat("0", 60))) // no line with a key
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := findOperatorKey(data)
		if err == nil {
			require.Equal(t, der.P256, k.key().Algorithm)
		}
	})
}

func FuzzComet(f *testing.F) { // the readers of CometBFT's files stand anything
	files, _ := comet(f, "sv", 70, "")
	for _, one := range files {
		f.Add(one.Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = readCometConfig(data)
		_, _, _ = signedAt(data)
		v, err := jsonview.Parse(data)
		if err != nil {
			return
		}
		if key, err := readCometValidatorKey(v); err == nil {
			require.Equal(t, v.At("address").Text(), validatorAddress(key))
		}
		if s, err := readCometState(v); err == nil {
			require.GreaterOrEqual(t, s.height, int64(0))
		}
		_, _ = readCometGenesis(v)
	})
}
