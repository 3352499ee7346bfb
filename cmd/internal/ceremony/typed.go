package ceremony

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"coldvault/shard"
	"coldvault/vault/secret"
)

// WrongWordsError names the words of a share, counted as on the card, that were
// found to be wrong, missing or swapped. It does not say what they are.
type WrongWordsError struct{ Words []int }

func (e *WrongWordsError) Error() string {
	return fmt.Sprintf("these words are wrong, missing or swapped: %s; compare them with the card", Numbers(e.Words))
}

// Numbers lists numbers as people write them.
func Numbers(numbers []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(numbers), "[]")), ", ")
}

// wrongWords finds out which words are wrong where text is a word list and err
// says that it is not right; else it returns err. The slot is cleared.
func wrongWords(slot, text []byte, err error) error {
	var unknown *shard.WordsError
	if !errors.Is(err, shard.ErrWords) && !errors.As(err, &unknown) {
		return err
	}
	defer secret.Wipe(slot)
	p, correctErr := shard.Correct(slot, text)
	if correctErr != nil {
		return fmt.Errorf("%w; %w", err, correctErr)
	}
	return &WrongWordsError{Words: p.Changed}
}

// AddTyped takes one line that a person typed or a scanner sent: a code or a word
// list. It returns an error where it is neither. Where words are wrong and it can be
// told which, the person is shown what they should be, and decides.
func (in *Intake) AddTyped(c Console, line []byte) error {
	input := Input{Name: "typed in"}
	err := secret.Do(func() error { return in.addText(&input, line) })
	if err == nil && input.Shares+input.Frames == 0 {
		err = input.refused
	}
	var wrong *WrongWordsError
	if errors.As(err, &wrong) {
		err = in.propose(c, &input, line, wrong)
	}
	if err == nil && input.Shares+input.Frames == 0 {
		err = errors.New("that is neither a code nor the words of a card")
	}
	if err != nil {
		return err
	}
	in.Inputs = append(in.Inputs, input)
	return nil
}

// propose shows the corrected words and takes the share if they are accepted.
func (in *Intake) propose(c Console, input *Input, line []byte, wrong *WrongWordsError) error {
	const longestLine = len("  word 44: abstract\n")
	raw, err := secret.New(shard.ShareSize)
	if err != nil {
		return err
	}
	defer raw.Destroy()
	text, err := secret.New(shard.WordCount * longestLine)
	if err != nil {
		return err
	}
	defer text.Destroy()
	var lines []byte // in text
	var share shard.Share
	err = secret.Do(func() error {
		p, err := shard.Correct(raw.Bytes(), line)
		share, lines = p.Share, text.Bytes()[:0]
		if err == nil {
			lines = appendChanged(lines, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	accepted, err := c.AcceptWords(wrong.Words, lines)
	if errors.Is(err, ErrNobody) || err == nil && !accepted {
		return wrong
	}
	if err != nil {
		return err
	}
	return in.keep(input, share)
}

// appendChanged lists the words that are proposed, one a line with its number.
func appendChanged(dst []byte, p shard.Proposal) []byte {
	words := make([]byte, 0, shard.WordCount*(len("abstract")+1))
	defer func() { secret.Wipe(words[:cap(words)]) }()
	words = shard.AppendWords(words, p.Share)
	number := 0
	for word := range bytes.FieldsSeq(words) {
		if number++; slices.Contains(p.Changed, number) {
			dst = fmt.Appendf(dst, "  word %d: ", number)
			dst = append(append(dst, word...), '\n')
		}
	}
	return dst
}
