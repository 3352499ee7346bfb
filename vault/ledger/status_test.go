package ledger

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// at builds a ledger from events on days after start.
type at struct {
	day   int
	event Event
}

func onDays(t testing.TB, events ...at) *Ledger {
	t.Helper()
	l := &Ledger{}
	require.NoError(t, l.Append(start, created()))
	for _, e := range events {
		require.NoError(t, l.Append(start.AddDate(0, 0, e.day), e.event))
	}
	return l
}

// full is a vault with nothing left to do on its first day.
func full() []at {
	events := []at{
		{0, Sealed{1, start, []string{"cold", "hot"}, nil}},
		{0, Copied{stickA, USB, "serial A", "", 1, true}},
		{0, Placed{stickA, "safe deposit", true, false, "Bob", ""}},
		{0, Copied{stickB, USB, "serial B", "", 1, true}},
		{0, Copied{pagesC, Paper, "", "", 1, true}},
		{0, Drilled{"all", 1, true, []Step{{"read", 2}, {"open", 1.5}}, 60}},
	}
	for i := range 5 {
		events = append(events, at{0, CardChecked{coldSet, "cold", i + 1, "", true}}, at{0, CardChecked{hotSet, "hot", i + 1, "", true}})
	}
	return events
}

// with adds events to a full vault and gives the status on a day.
func with(t testing.TB, day int, events ...at) Status {
	t.Helper()
	l := onDays(t, append(full(), events...)...)
	s := newSigner(t)
	require.NoError(t, l.Sign(s.sign, s.verify))
	return Compute(l, start.AddDate(0, 0, day))
}

func texts(s Status) (out []string) {
	for _, f := range s.Findings {
		out = append(out, f.ID+" "+string(f.Severity)+" "+f.Text)
	}
	return out
}

func values(s Status) (out []int) {
	for _, f := range s.Figures {
		out = append(out, f.Value)
	}
	return out
}

func TestAFullVaultHasNothingToDo(t *testing.T) {
	s := with(t, 0)
	require.Empty(t, texts(s))
	require.False(t, s.Due)
	require.Equal(t, []Figure{
		{"copies", 3, 3, true, "3 copies of generation 1: USB 7F3A (safe deposit), USB 22B0, paper 91CC"},
		{"kinds", 2, 2, true, "2 kinds of media: USB, paper"},
		{"offsite", 1, 1, true, "1 copy off site: USB 7F3A (safe deposit)"},
		{"offline", 3, 1, true, "3 copies offline: USB 7F3A (safe deposit), USB 22B0, paper 91CC"},
		{"unproven", 0, 0, true, "every copy and every card is proven"},
	}, s.Figures)
	require.Equal(t, 3, s.WholeCopies)
	require.Equal(t, 3.5, s.Compartments[0].RTO)
	require.EqualValues(t, 60, s.Compartments[1].RPO)
	require.Equal(t, "Émile", s.Compartments[0].Cards[4].Custodian)
}

// From nothing to 3-2-1-1-0, one event after the other.
func TestFiguresFromEmptyToFull(t *testing.T) {
	steps := []struct {
		name  string
		event Event
		want  []int // copies, kinds, off site, offline, unproven
		whole int
	}{
		{"nothing but a vault", Noted{"x"}, []int{0, 0, 0, 0, 10}, 0},
		{"a generation without a copy", Sealed{1, start, []string{"cold", "hot"}, nil}, []int{0, 0, 0, 0, 10}, 0},
		{"memory is nothing", Copied{"0000000000000001", Memory, "", "", 1, true}, []int{0, 0, 0, 0, 10}, 0},
		{"a folder is not offline", Copied{"0000000000000002", Folder, "", "", 1, true}, []int{1, 1, 0, 0, 10}, 1},
		{"a second folder of the same machine is the same copy", Copied{"0000000000000003", Folder, "", "", 1, true}, []int{1, 1, 0, 0, 10}, 1},
		{"and so is its disk", Copied{"0000000000000004", Disk, "", "", 1, true}, []int{1, 1, 0, 0, 10}, 1},
		{"a disk of another machine is a copy of the same kind", Copied{"0000000000000006", Disk, "serial D", "", 1, true}, []int{2, 1, 0, 0, 10}, 2},
		{"and lost", Lost{Medium: "0000000000000006"}, []int{1, 1, 0, 0, 10}, 1},
		{"a network is another kind and not offline", Copied{"0000000000000005", Network, "nas", "", 1, true}, []int{2, 2, 0, 0, 10}, 2},
		{"a stick that was not read back", Copied{stickA, USB, "serial A", "", 1, false}, []int{3, 3, 0, 1, 11}, 2},
		{"a folder on it that was", Copied{"0000000000000007", USB, "serial A", "", 1, true}, []int{3, 3, 0, 1, 11}, 3},
		{"which is lost", Lost{Medium: "0000000000000007"}, []int{3, 3, 0, 1, 11}, 2},
		{"its check", Checked{stickA, 1, Whole, 0}, []int{3, 3, 0, 1, 10}, 3},
		{"a folder on the same stick", Copied{stickB, USB, "serial A", "", 1, true}, []int{3, 3, 0, 1, 10}, 3},
		{"the stick goes to another place", Placed{stickA, "bank", true, false, "", ""}, []int{3, 3, 1, 1, 10}, 3},
		{"and is plugged in there: the other folder is on it too", Placed{stickA, "bank", true, true, "", ""}, []int{3, 3, 1, 0, 10}, 3},
		{"pages that were drawn", Copied{pagesC, Paper, "", "", 1, false}, []int{3, 3, 1, 0, 11}, 3},
		{"a scan of the print", Checked{pagesC, 1, Whole, 0}, []int{4, 4, 1, 1, 10}, 4},
		{"drawn again", Copied{pagesC, Paper, "", "", 1, false}, []int{3, 3, 1, 0, 11}, 3},
		{"paper", Copied{pagesC, Paper, "", "", 1, true}, []int{4, 4, 1, 1, 10}, 4},
		{"a card", CardChecked{coldSet, "cold", 1, "", true}, []int{4, 4, 1, 1, 9}, 4},
		{"a bad card", CardChecked{coldSet, "cold", 2, "", false}, []int{4, 4, 1, 1, 9}, 4},
		{"a lost card is unproven no more", Lost{Set: coldSet, Index: 2}, []int{4, 4, 1, 1, 8}, 4},
		{"a card of another set changes nothing", CardChecked{"00000000", "cold", 3, "", true}, []int{4, 4, 1, 1, 8}, 4},
		{"paper is damaged", Checked{pagesC, 1, Damaged, 2}, []int{3, 3, 1, 0, 9}, 3},
		{"and repaired", Checked{pagesC, 1, Repaired, 2}, []int{4, 4, 1, 1, 8}, 4},
		{"paper is lost", Lost{Medium: pagesC}, []int{3, 3, 1, 0, 8}, 3},
		{"and found", Checked{pagesC, 1, Whole, 0}, []int{4, 4, 1, 1, 8}, 4},
		{"a new generation makes all copies stale", Sealed{2, start, []string{"cold", "hot"}, nil}, []int{0, 0, 0, 0, 8}, 0},
		{"one is brought up to date", Copied{stickA, USB, "serial A", "", 2, true}, []int{1, 1, 1, 0, 8}, 1},
		{"a check finds an older one on it", Checked{stickA, 1, Whole, 0}, []int{0, 0, 0, 0, 8}, 0},
		{"a copy tells of a newer one", Copied{stickB, USB, "serial B", "", 3, true}, []int{1, 1, 0, 1, 8}, 1},
		{"a seal with an older number does not set it back", Sealed{1, start, []string{"cold"}, nil}, []int{1, 1, 0, 1, 8}, 1},
	}
	l, newest := onDays(t), 0
	for _, step := range steps {
		require.NoError(t, l.Append(start, step.event))
		s := Compute(l, start)
		require.Equal(t, step.want, values(s), step.name)
		require.Equal(t, step.whole, s.WholeCopies, step.name)
		switch e := step.event.(type) {
		case Sealed:
			newest = max(newest, e.Generation)
		case Copied:
			newest = max(newest, e.Generation)
		}
		require.Equal(t, newest, s.Generation, step.name)
		for i, f := range s.Figures {
			require.Equal(t, []int{3, 2, 1, 1, 0}[i], f.Target)
			require.Equal(t, i < 4 && f.Value >= f.Target || i == 4 && f.Value == 0, f.OK, step.name)
		}
		require.True(t, s.Due, step.name)
	}
}

func TestFindings(t *testing.T) {
	tests := []struct {
		name   string
		day    int
		events []at
		want   []string
	}{
		{"stale copies", 10, []at{
			{1, Sealed{2, start, []string{"cold"}, nil}}, {2, Sealed{3, start, []string{"cold"}, nil}},
			{2, Copied{stickB, USB, "serial B", "", 3, true}}, {2, Copied{pagesC, Paper, "", "", 2, true}},
		}, []string{
			"STATUS-COPIES due 1 copy of generation 3: USB 22B0; there must be 3: seal onto or copy to another medium",
			"STATUS-KINDS due 1 kind of media: USB; there must be 2: add another kind, such as paper",
			"STATUS-OFFSITE due 0 copies off site; there must be 1: bring one to another place and record that",
			"STATUS-STALE due USB 7F3A (safe deposit) is 2 generations behind: seal onto it or copy to it",
			"STATUS-STALE due paper 91CC is 1 generation behind: print it again",
			"STATUS-QUORUM due generation 3: one proven copy, USB 22B0: one more loss away from unrecoverable",
		}},
		{"one day before the sticks are due", 179, nil, nil},
		{"the sticks are due", 180, nil, []string{
			"STATUS-UNSEEN due USB 7F3A (safe deposit) has not been seen for 180 days, where the policy has 180: check it",
			"STATUS-UNSEEN due USB 22B0 has not been seen for 180 days, where the policy has 180: check it",
		}},
		{"a stick was seen meanwhile", 180, []at{{100, Checked{stickA, 1, Whole, 0}}}, []string{
			"STATUS-UNSEEN due USB 22B0 has not been seen for 180 days, where the policy has 180: check it",
		}},
		{"another policy", 40, []at{{0, Policy{USB: 1000, Paper: 30, Cards: 1000, Drill: 30}}}, []string{
			"STATUS-UNSEEN due paper 91CC has not been seen for 40 days, where the policy has 30: check it",
			"STATUS-DRILL due cold: the last drill was on 2026-03-01, and the policy has one every 30 days",
			"STATUS-DRILL due hot: the last drill was on 2026-03-01, and the policy has one every 30 days",
		}},
		{"cards are due", 365, []at{
			{200, Checked{stickA, 1, Whole, 0}}, {200, Checked{stickB, 1, Whole, 0}}, {200, Checked{pagesC, 1, Whole, 0}}, {200, Drilled{"all", 1, true, nil, 0}},
			{200, CardChecked{coldSet, "cold", 1, "", true}}, {200, CardChecked{coldSet, "cold", 2, "", true}}, {200, CardChecked{coldSet, "cold", 3, "", true}},
			{200, CardChecked{coldSet, "cold", 4, "", true}}, {200, CardChecked{hotSet, "hot", 1, "", true}}, {200, CardChecked{hotSet, "hot", 2, "", true}},
			{200, CardChecked{hotSet, "hot", 3, "", true}}, {200, CardChecked{hotSet, "hot", 4, "", true}}, {200, CardChecked{hotSet, "hot", 5, "", true}},
		}, []string{"STATUS-CARDS due cold: proven longer ago than the policy allows, to be checked: card 5 (Émile)"}},
		{"one card bad, one lost", 0, []at{{0, CardChecked{coldSet, "cold", 2, "", false}}, {0, Lost{Set: hotSet, Index: 3}}}, []string{
			"STATUS-CARDS due cold: not the shares that were made, and no command makes others: make a new vault and seal into it, before too few are left: card 2 (Bob)",
			"STATUS-CARDS note hot: lost, and no command makes another: make a new vault and seal into it, before too few are left: card 3 (Carol)",
		}},
		{"copies on one device", 0, []at{{0, Copied{"00000000000000aa", USB, "serial A", "", 1, true}}}, []string{
			"STATUS-DEVICE note USB 0000 is on the same device as USB 7F3A (safe deposit): the two count once",
		}},
		{"a copy in memory", 0, []at{{0, Copied{"00000000000000aa", Memory, "", "", 1, true}}}, []string{
			"STATUS-DEVICE note memory 0000 is in memory and ends with the power: it does not count",
		}},
		{"ids that begin alike are shown whole", 0, []at{{0, Copied{"7f3a0000000000aa", USB, "serial D", "", 1, false}}}, []string{
			"STATUS-UNPROVEN due USB 7F3A0000000000AA was never read back: check it",
		}},
		{"a damaged copy", 5, []at{{4, Checked{stickB, 1, Damaged, 1}}}, []string{
			"STATUS-COPIES due 2 copies of generation 1: USB 7F3A (safe deposit), paper 91CC; there must be 3: seal onto or copy to another medium",
			"STATUS-UNPROVEN due USB 22B0 was damaged when it was checked on 2026-03-05, with 1 finding: repair it, copy to it, or replace it",
		}},
		{"an incomplete copy", 5, []at{{4, Checked{stickB, 1, Incomplete, 0}}}, []string{
			"STATUS-COPIES due 2 copies of generation 1: USB 7F3A (safe deposit), paper 91CC; there must be 3: seal onto or copy to another medium",
			"STATUS-UNPROVEN due USB 22B0 was incomplete when it was checked on 2026-03-05: seal onto it or copy to it",
		}},
		{"a lost copy beside enough others", 5, []at{{1, Copied{"00000000000000aa", Optical, "", "", 1, true}}, {4, Lost{Medium: stickB}}}, []string{
			"STATUS-LOST note USB 22B0 is lost: whoever has it needs the cards of a quorum to open it",
		}},
		{"a stick that was emptied and sealed onto", 1, []at{
			{1, Sealed{2, start, []string{"cold", "hot"}, nil}}, {1, Copied{"00000000000000aa", USB, "serial A", "", 2, true}}, {1, Copied{stickB, USB, "serial B", "", 2, true}}, {1, Copied{pagesC, Paper, "", "", 2, true}},
		}, []string{
			"STATUS-DEVICE note USB 7F3A (safe deposit) is the same device as USB 0000 now, which has a newer generation: if it was emptied in between, note that with `coldvault record --lost 7f3a000000000001`",
			"STATUS-OFFSITE due 0 copies off site; there must be 1: bring one to another place and record that",
		}},
		{"two sticks that look alike", 0, []at{{0, Copied{"00000000000000aa", USB, "", "USB stick, 8 GB", 1, true}}, {0, Copied{"11000000000000aa", USB, "", "USB stick, 8 GB", 1, true}}}, []string{
			"STATUS-DEVICE note USB 1100 and USB 0000 are of one make, without a serial number: nothing shows that they are two; if they are one, note the other as lost: `coldvault record --lost 00000000000000aa`",
		}},
		{"a medium that was never copied to is none", 0, []at{{0, Placed{"00000000000000aa", "drawer", false, false, "", ""}}, {0, Lost{Medium: "00000000000000ab"}}}, nil},
		{"drills of parts", 0, []at{{0, SharesSplit{[]ShareSet{{"00000001", "cold", 2, 3}}, nil}}, {0, Drilled{"standby", 1, false, nil, 0}}, {0, Drilled{"archive", 1, false, nil, 0}}, {0, CardChecked{"00000001", "cold", 1, "", true}}, {0, CardChecked{"00000001", "cold", 2, "", true}}, {0, CardChecked{"00000001", "cold", 3, "Ann", true}}}, []string{
			"STATUS-DRILL danger hot: the last drill, on 2026-03-01, did not restore: find out why while the files are still at hand",
		}},
		{"a drill that restores again", 1, []at{{0, Drilled{"cold", 1, false, nil, 0}}, {1, Drilled{"cold", 1, true, nil, 0}}}, nil},
		{"a deadline that is far", 0, []at{{0, Deadline{What: "window", When: start.AddDate(0, 0, 31)}}}, nil},
		{"a deadline that is near", 1, []at{{0, Deadline{What: "KES key ends", When: start.AddDate(0, 0, 31), Role: "opcert"}}}, []string{
			"STATUS-DUE due KES key ends (opcert): due on 2026-04-01, in 30 days",
		}},
		{"a deadline on its day", 31, []at{{0, Deadline{What: "window", When: start.AddDate(0, 0, 31).Truncate(24 * time.Hour)}}}, []string{
			"STATUS-DUE danger window: it is due today, 2026-04-01",
		}},
		{"a key that ends today, and has not", 31, []at{{0, Deadline{What: "KES key ends", When: start.AddDate(0, 0, 31).Add(time.Hour), Role: "opcert"}}}, []string{
			"STATUS-DUE danger KES key ends (opcert): it is due today, 2026-04-01",
		}},
		{"a deadline that is over", 31, []at{{0, Deadline{What: "window", When: start.AddDate(0, 0, 31)}}}, []string{
			"STATUS-DUE danger window: it was due on 2026-04-01",
		}},
		{"a deadline that was met", 31, []at{{0, Deadline{What: "window", When: start.AddDate(0, 0, 31)}}, {30, Deadline{What: "window", When: start.AddDate(0, 0, 31), Done: true}}}, nil},
		{"a clock that was set back", -1, nil, []string{
			"STATUS-CLOCK due the clock says 2026-02-28T09:00:00Z, the last record is of 2026-03-01T09:00:00Z: no date here can be trusted until the clock is right; if it is right now, any record puts a right date behind the wrong one: `coldvault record --note TEXT`",
		}},
		{"a clock that was ahead when it was last written", 200, []at{{3650, Checked{stickA, 1, Whole, 0}}}, []string{
			"STATUS-CLOCK due the clock says 2026-09-17T09:00:00Z, the last record is of 2036-02-27T09:00:00Z: no date here can be trusted until the clock is right; if it is right now, any record puts a right date behind the wrong one: `coldvault record --note TEXT`",
			"STATUS-UNSEEN due USB 22B0 has not been seen for 200 days, where the policy has 180: check it",
		}},
		{"a clock that was ahead once", 200, []at{{3650, Checked{stickA, 1, Whole, 0}}, {3650, Drilled{"all", 1, true, nil, 0}}, {10, Noted{"x"}}}, []string{
			"STATUS-CLOCK note a clock was wrong: line 19 of the ledger is of 2036-02-27T09:00:00Z, and the one after it of 2026-03-11T09:00:00Z; what may be older counts as older",
			"STATUS-UNSEEN due USB 7F3A (safe deposit) has not been seen for 190 days, where the policy has 180: check it",
			"STATUS-UNSEEN due USB 22B0 has not been seen for 200 days, where the policy has 180: check it",
		}},
		{"a clock that had lost its time", 1, []at{{-2000, Checked{stickA, 1, Whole, 0}}, {1, Noted{"x"}}}, []string{
			"STATUS-CLOCK note a clock was wrong: line 17 of the ledger is of 2026-03-01T09:00:00Z, and the one after it of 2020-09-08T09:00:00Z; what may be older counts as older",
			"STATUS-UNSEEN due USB 7F3A (safe deposit) has not been seen for 2001 days, where the policy has 180: check it",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := with(t, tt.day, tt.events...)
			require.ElementsMatch(t, tt.want, texts(s))
			due := false
			for _, text := range tt.want {
				due = due || !strings.Contains(text, " note ")
			}
			require.Equal(t, due, s.Due)
			for i := 1; i < len(s.Findings); i++ {
				require.False(t, s.Findings[i].Severity == Danger && s.Findings[i-1].Severity != Danger, "danger comes first")
			}
		})
	}
}

// The deadlines of a generation are over with the next; those of the operator are not.
func TestDeadlinesFollowTheGeneration(t *testing.T) {
	kes := func(months int) Deadline {
		return Deadline{What: "KES key ends", When: start.AddDate(0, months, 0), Role: "opcert"}
	}
	certificate := Deadline{What: "certificate ends", When: start.AddDate(1, 0, 0), Role: "certificate"}
	mine := Deadline{What: "window", When: start.AddDate(0, 5, 0)}
	tests := []struct {
		name   string
		events []Event
		want   []Deadline
	}{
		{"those of the first", []Event{Sealed{1, start, []string{"hot"}, []Deadline{certificate, kes(2)}}, mine}, []Deadline{kes(2), mine, certificate}},
		{"a new KES key, and no certificate any more", []Event{
			Sealed{1, start, []string{"hot"}, []Deadline{kes(2), certificate}}, mine, Sealed{2, start, []string{"hot"}, []Deadline{kes(4)}},
		}, []Deadline{kes(4), mine}},
		{"what the operator gave with a generation", []Event{
			Sealed{1, start, []string{"hot"}, []Deadline{kes(2), mine}}, Sealed{2, start, []string{"hot"}, []Deadline{kes(4)}}, Sealed{3, start, []string{"hot"}, nil},
		}, []Deadline{mine}},
		{"until it is done", []Event{
			Sealed{1, start, []string{"hot"}, []Deadline{mine}}, Sealed{2, start, []string{"hot"}, nil}, Deadline{What: mine.What, When: mine.When, Done: true},
		}, []Deadline{}},
		{"the operator knows better", []Event{Sealed{1, start, []string{"hot"}, []Deadline{kes(2)}}, kes(1)}, []Deadline{kes(1)}},
		{"until the next seal", []Event{Sealed{1, start, []string{"hot"}, []Deadline{kes(2)}}, kes(1), Sealed{2, start, []string{"hot"}, []Deadline{kes(4)}}}, []Deadline{kes(4)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, Compute(build(t, append([]Event{created()}, tt.events...)...), start).Deadlines)
		})
	}
}

func TestQuorumSentences(t *testing.T) {
	card := func(index int, proven bool) Event { return CardChecked{coldSet, "cold", index, "", proven} }
	lost := func(index int) Event { return Lost{Set: coldSet, Index: index} }
	tests := []struct {
		name   string
		events []Event
		want   string
	}{
		{"no card proven", nil, "due cold: 0 of 5 cards proven, threshold 3: nothing shows yet that it can be opened; 3 proofs to go"},
		{"one proof missing", []Event{card(1, true), card(2, true)}, "due cold: 2 of 5 cards proven, threshold 3: nothing shows yet that it can be opened; 1 proof to go"},
		{"just enough proven", []Event{card(1, true), card(2, true), card(3, true)},
			"due cold: 3 of 5 cards proven, threshold 3: one more loss away from unrecoverable, as long as no other is proven"},
		{"one to spare", []Event{card(1, true), card(2, true), card(3, true), card(4, true)}, ""},
		{"two lost", []Event{card(1, true), card(2, true), card(3, true), lost(4), lost(5)},
			"due cold: 3 of 5 cards left, 3 of them proven, threshold 3: one more loss away from unrecoverable"},
		{"one lost and one bad", []Event{card(1, true), card(2, true), card(3, true), card(4, false), lost(5)},
			"due cold: 3 of 5 cards left, 3 of them proven, threshold 3: one more loss away from unrecoverable"},
		{"two lost and one of the others unproven", []Event{card(1, true), card(2, true), lost(4), lost(5)},
			"due cold: 3 of 5 cards left, 2 of them proven, threshold 3: one more loss away from unrecoverable; " +
				"due cold: 2 of 5 cards proven, threshold 3: nothing shows yet that it can be opened; 1 proof to go"},
		{"three lost", []Event{card(1, true), card(2, true), lost(3), lost(4), lost(5)},
			"danger cold: 2 of 5 cards left, threshold 3: it cannot be opened any more; make a new vault while the files are still at hand"},
		{"a lost one is found", []Event{card(1, true), card(2, true), card(3, true), lost(4), card(4, true)}, ""},
		{"a new share set", []Event{lost(3), lost(4), lost(5), SharesSplit{[]ShareSet{{"00000001", "cold", 2, 3}}, nil},
			CardChecked{"00000001", "cold", 1, "", true}, CardChecked{"00000001", "cold", 2, "", true}, CardChecked{"00000001", "cold", 3, "", true}, card(1, false)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Compute(build(t, append([]Event{created()}, tt.events...)...), start)
			var got []string
			for _, f := range s.Findings {
				if f.ID == "STATUS-QUORUM" && strings.HasPrefix(f.Text, "cold: ") {
					got = append(got, string(f.Severity)+" "+f.Text)
				}
			}
			require.Equal(t, tt.want, strings.Join(got, "; "))
		})
	}
}

func TestWithoutAProvenCopyItSaysWhatIsLeft(t *testing.T) {
	l := onDays(t, at{0, Sealed{1, start, []string{"cold", "hot"}, nil}}, at{0, Copied{stickA, USB, "", "", 1, false}})
	require.Contains(t, texts(Compute(l, start)), "STATUS-QUORUM danger generation 1: no copy of it is proven, nor one of any other: seal again and check")
	require.NoError(t, l.Append(start, Copied{stickB, USB, "", "", 1, true}, Sealed{2, start, []string{"cold", "hot"}, nil}))
	require.Contains(t, texts(Compute(l, start)), "STATUS-QUORUM danger generation 2: no copy of it is proven; the newest that is proven is generation 1 on USB 22B0")
}

// Also where no copy tells of the newer one.
func TestAnOlderSealDoesNotSetTheGenerationBack(t *testing.T) {
	l := onDays(t, at{0, Sealed{2, start, []string{"cold", "hot"}, nil}}, at{1, Sealed{1, start.AddDate(0, 0, 1), []string{"cold", "hot"}, nil}})
	s := Compute(l, start.AddDate(0, 0, 1))
	require.Equal(t, 2, s.Generation)
	require.Equal(t, start, s.Sealed)
}

func TestANewVaultHasNoDrillToDo(t *testing.T) {
	s := Compute(onDays(t), start)
	require.Contains(t, texts(s), "STATUS-COPIES due no generation is sealed yet; there must be 3: seal one")
	require.NotContains(t, strings.Join(texts(s), "\n"), "DRILL")
	require.True(t, s.Due)
}

func TestLinesBeyondTheSignedHeadAreCounted(t *testing.T) {
	l, signer := build(t, created()), newSigner(t)
	require.Contains(t, texts(Compute(l, start)), "STATUS-UNSIGNED note ledger: 1 of 1 line not yet signed: the next command that unlocks the signer signs them")
	require.NoError(t, l.Sign(signer.sign, signer.verify))
	require.NotContains(t, strings.Join(texts(Compute(l, start)), "\n"), "UNSIGNED")
	require.NoError(t, l.Append(start, Noted{"x"}, Noted{"y"}))
	require.Contains(t, texts(Compute(l, start)), "STATUS-UNSIGNED note ledger: 2 of 3 lines not yet signed: the next command that unlocks the signer signs them")

	// Of a ledger with a seal in it some of it was signed.
	require.NoError(t, l.Append(start, Sealed{1, start, []string{"cold", "hot"}, nil}))
	require.NotContains(t, strings.Join(texts(Compute(l, start)), "\n"), "STATUS-UNSIGNED danger")
	bare, err := Parse(l.Bytes())
	require.NoError(t, err)
	require.Contains(t, texts(Compute(bare, start)), "STATUS-UNSIGNED danger ledger: "+UnprovenAdvice)

	torn, err := Parse(append(l.Bytes(), "torn"...))
	require.NoError(t, err)
	require.Contains(t, texts(Compute(torn, start)), "STATUS-TORN note the last line of the ledger is torn: its 4 bytes do not count, and the next command notes that")
}

// What status --json prints has lists where there is nothing, and no date where there is none.
func TestStatusAsJSON(t *testing.T) {
	data, err := json.Marshal(with(t, 0))
	require.NoError(t, err)
	require.NotContains(t, string(data), "null")
	require.NotContains(t, string(data), "0001-01-01")
	require.Contains(t, string(data), `"findings":[]`)
	require.Contains(t, string(data), `"name":"USB 7F3A (safe deposit)"`)
}

func TestStatusDoesNotChangeTheLedger(t *testing.T) {
	l := build(t, everyEvent()...)
	first := Compute(l, start.Add(time.Hour))
	require.Equal(t, first, Compute(l, start.Add(time.Hour)))
	_, err := Parse(l.Bytes())
	require.NoError(t, err)
}

// Damage beside the newest generation, or that its parity makes good, loses no copy: it is to
// be repaired.
func TestDamageThatLosesNothingIsToBeRepaired(t *testing.T) {
	s := with(t, 0, at{0, Checked{stickA, 1, Whole, 2}}, at{0, Checked{stickB, 1, Whole, 1}})
	require.Equal(t, []string{
		"STATUS-DAMAGE due USB 7F3A (safe deposit) was damaged when it was checked on 2026-03-01, with 2 findings, and generation 1 on it is not lost: repair it",
		"STATUS-DAMAGE due USB 22B0 was damaged when it was checked on 2026-03-01, with 1 finding, and generation 1 on it is not lost: repair it",
	}, texts(s))
	require.Equal(t, []int{3, 2, 1, 3, 0}, values(s))
	require.Equal(t, 3, s.WholeCopies)
}

// What lies in the vault's folder tells of a ledger that was lost.
func TestALedgerThatDoesNotKnowTheFolderIsDanger(t *testing.T) {
	l := onDays(t, full()...)
	require.Empty(t, Compute(l, start, Found{Sealed: Sealed{1, start, []string{"cold"}, nil}}).Findings[1:], "nothing but that it is not signed")
	s := Compute(l, start, Found{Sealed: Sealed{2, start, []string{"cold"}, nil}})
	require.Equal(t, 2, s.Generation)
	require.Equal(t, []int{0, 0, 0, 0, 0}, values(s))
	require.Contains(t, texts(s), "STATUS-LEDGER danger the ledger does not know generation 2, which lies in the vault's folder: "+LostAdvice)
	require.True(t, s.Due)
}

// So do media, as long as no seal is recorded; what was not whole does not.
func TestALedgerThatDoesNotKnowWhatIsOnMediaIsDanger(t *testing.T) {
	s := with(t, 1, at{1, Checked{stickA, 3, Whole, 0}}, at{1, Checked{stickB, 3, Whole, 0}})
	require.Equal(t, 3, s.Generation)
	require.Zero(t, s.Sealed, "nobody knows when")
	require.Contains(t, texts(s), "STATUS-LEDGER danger the ledger does not know that generation 3 was sealed, which is on USB 7F3A (safe deposit), USB 22B0: "+LostAdvice)
	s = with(t, 2, at{1, Checked{stickA, 3, Whole, 0}}, at{2, Checked{stickA, 1, Whole, 0}})
	require.Contains(t, texts(s), "STATUS-LEDGER danger the ledger does not know that generation 3 was sealed, which was seen on a medium: "+LostAdvice)
	for name, event := range map[string]Event{
		"sealed": Sealed{3, start, []string{"cold", "hot"}, nil}, "a folder of that name": Checked{stickA, 3, Damaged, 1},
	} {
		require.NotContains(t, strings.Join(texts(with(t, 1, at{1, event})), "\n"), "STATUS-LEDGER", name)
	}

	// One that lies in the folder and is older than ledgers was never lost.
	older := Found{Sealed: Sealed{3, start, []string{"cold", "hot"}, nil}, Older: true}
	require.NotContains(t, strings.Join(texts(Compute(onDays(t, append(full(), at{1, Checked{stickA, 3, Whole, 0}})...), start.AddDate(0, 0, 1), older)), "\n"), "STATUS-LEDGER")

	// A vault that was put back to the day it was made has no date of a seal, nor of a drill.
	l := onDays(t, at{1, Copied{stickA, USB, "", "", 2, true}}, at{1, Checked{stickA, 2, Whole, 0}})
	s = Compute(l, start.AddDate(0, 0, 1))
	require.Contains(t, strings.Join(texts(s), "\n"), "generation 2 was sealed, which is on USB 7F3A: ")
	for _, d := range s.Dates {
		require.False(t, d.On.IsZero(), d.What)
	}
}

// What is written anew is not proven by what was there before.
func TestPagesThatAreDrawnAgainAreNotProven(t *testing.T) {
	s := with(t, 1, at{1, Copied{pagesC, Paper, "", "", 1, false}})
	require.Contains(t, texts(s), "STATUS-UNPROVEN due paper 91CC was drawn, and no scan has shown the print: check one")
	require.False(t, s.Copies[2].Proven)
	require.Zero(t, s.Copies[2].LastProof)
	s = with(t, 2, at{1, Copied{pagesC, Paper, "", "", 1, false}}, at{2, Checked{pagesC, 1, Whole, 0}})
	require.Empty(t, texts(s))
	require.Equal(t, start.AddDate(0, 0, 2), s.Copies[2].LastProof)
}
