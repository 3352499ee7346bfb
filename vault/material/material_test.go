package material

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// stub claims the files it lists.
type stub struct {
	name   string
	claims map[string]Certainty
}

func (s stub) Name() string { return s.name }

func (s stub) Recognise(f File) (Item, Certainty) {
	return Item{Role: s.name + "-role", In: Hot, Secret: true}, s.claims[f.Name]
}

func (s stub) Judge(files []File, items []Item) Findings {
	var found Findings
	for i, f := range files {
		found.Verdicts = append(found.Verdicts, Verdict{Status: Pass, ID: s.name, Text: items[i].Role, Files: []string{f.Name}})
		found.IDs = append(found.IDs, ID{s.name, "id", "same"})
	}
	return found
}

func TestInspectGivesEveryFileOneItem(t *testing.T) { // the surest profile wins, then the first; the rest is generic
	a := stub{"a", map[string]Certainty{"both": ByName, "equal": ByContent}}
	b := stub{"b", map[string]Certainty{"both": ByContent, "equal": ByContent}}
	files := []File{{Name: "both", Size: 1}, {Name: "none", Size: 1}, {Name: "equal", Size: 1}, {Name: "empty"}}
	r := Inspect(files, a, b)
	require.Equal(t, []Item{
		{Name: "both", Network: "b", Role: "b-role", In: Hot, Secret: true},
		{Name: "none", Network: Generic, Role: GenericRole, In: Cold},
		{Name: "equal", Network: "a", Role: "a-role", In: Hot, Secret: true},
		{Name: "empty", Network: Generic, Role: GenericRole, In: Cold},
	}, r.Items)
	require.Equal(t, []Verdict{
		{Status: Pass, ID: "a", Text: "a-role", Files: []string{"equal"}},
		{Status: Pass, ID: "b", Text: "b-role", Files: []string{"both"}},
		{Status: Warn, ID: "GENERIC-EMPTY", Text: `"empty" is empty`, Files: []string{"empty"}},
	}, r.Verdicts)
	require.Equal(t, []ID{{"a", "id", "same"}, {"b", "id", "same"}}, r.IDs)
}

func TestIDsAreSortedAndUnique(t *testing.T) { // equal material gives equal IDs in whatever order the files come
	p := stub{"p", map[string]Certainty{"1": ByName, "2": ByName}}
	require.Equal(t, []ID{{"p", "id", "same"}}, Inspect([]File{{Name: "2"}, {Name: "1"}}, p).IDs)
}

func TestWorst(t *testing.T) { // UNKNOWN never counts as PASS, and nothing outweighs FAIL
	with := func(statuses ...Status) Report {
		var r Report
		for _, s := range statuses {
			r.Verdicts = append(r.Verdicts, Verdict{Status: s})
		}
		return r
	}
	require.Equal(t, Pass, with().Worst())
	require.Equal(t, Unknown, with(Pass, Unknown).Worst())
	require.Equal(t, Warn, with(Unknown, Warn, Pass).Worst())
	require.Equal(t, Fail, with(Warn, Fail, Unknown).Worst())
}

func TestCompartments(t *testing.T) { // a set of compartments says what it holds
	require.Equal(t, "cold+hot", (Cold | Hot).String())
	require.Equal(t, "hot", Hot.String())
	require.True(t, (Cold | Hot).Has(Cold))
	require.False(t, Cold.Has(Hot))
}
