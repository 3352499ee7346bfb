package ceremony

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coldvault/vault/airgap"
	"coldvault/vault/airgap/airgaptest"
)

// heard is a console that keeps the warnings.
type heard struct {
	Console
	warnings []string
}

func (h *heard) Warn(format string, args ...any) {
	h.warnings = append(h.warnings, fmt.Sprintf(format, args...))
}

// quietHost is one that nothing speaks against.
func quietHost() Host {
	facts := airgap.Look(airgaptest.Host(airgaptest.Desktop))
	return Host{Facts: &facts}
}

// Shows G17.
func TestTheGateOpensOnlyForWhatIsAccepted(t *testing.T) {
	all := Accept{Network: true, Swap: true}
	tests := []struct {
		name, host string
		accept     Accept
		refused    []string
		accepted   int
		hint       string
	}{
		{"a quiet desktop", airgaptest.Desktop, Accept{}, nil, 0, ""},
		{"a quiet desktop, flags and all", airgaptest.Desktop, all, nil, 0, ""},
		{"a live system", "tails", Accept{}, nil, 0, ""},
		{"a laptop with its radios off", "laptop-blocked", Accept{}, nil, 0, ""},
		{"a container", "container", Accept{}, []string{airgap.IDNetCarrier, airgap.IDNetRoute}, 0, "; --accept-network goes on regardless"},
		{"a container, the other flag", "container", Accept{Swap: true}, []string{airgap.IDNetCarrier, airgap.IDNetRoute}, 0, "; --accept-network goes on regardless"},
		{"a container, accepted", "container", Accept{Network: true}, nil, 2, ""},
		{"a server", "server-lvm", Accept{Network: true}, []string{airgap.IDSwap}, 0, "; --accept-swap goes on regardless"},
		{"a server, accepted", "server-lvm", all, nil, 3, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts := airgap.Look(airgaptest.Host(tt.host))
			console := &heard{}
			accepted, err := hostGate(console, Host{&facts, tt.accept})
			require.Len(t, accepted, tt.accepted)
			if tt.refused == nil {
				require.NoError(t, err)
				require.GreaterOrEqual(t, len(console.warnings), len(accepted), "what is accepted is said")
				return
			}
			var host *HostError
			require.ErrorAs(t, err, &host)
			var ids []string
			for _, f := range host.Findings {
				ids = append(ids, f.ID)
				require.ErrorContains(t, err, f.ID)
			}
			require.ElementsMatch(t, tt.refused, ids)
			var hint *HintError
			require.ErrorAs(t, err, &hint)
			require.Contains(t, hint.Hint, tt.hint)
		})
	}
}

// Whoever forgets to look does not get in. Breaks G17.
func TestTheGateIsShutWhereNobodyLooked(t *testing.T) {
	_, err := hostGate(&heard{}, Host{Accept: Accept{Network: true, Swap: true}})
	require.EqualError(t, err, "nothing is known about this host")
	_, err = Restore(&heard{}, RestoreRequest{Role: "all", To: t.TempDir()})
	require.EqualError(t, err, "nothing is known about this host")
	_, err = Create(&heard{}, CreateRequest{Vault: t.TempDir() + "/v", Cards: t.TempDir(), Label: "x", Shares: 3, Threshold: 2})
	require.EqualError(t, err, "nothing is known about this host")
}

func TestAClockBeforeTheGenerationIsSaid(t *testing.T) {
	console, host := &heard{}, quietHost()
	host.warnClock(console, host.Facts.Clock.Now.Add(-time.Hour))
	require.Empty(t, console.warnings)
	host.warnClock(console, host.Facts.Clock.Now.Add(time.Hour))
	require.Len(t, console.warnings, 1)
	require.Contains(t, console.warnings[0], airgap.IDClock)
}
