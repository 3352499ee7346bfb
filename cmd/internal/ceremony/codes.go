package ceremony

// What is in the files that an intake reads: codes and text, of which frames of pages and
// shares of cards are taken, and the rest is noted.

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"coldvault/qr"
	"coldvault/qr/digits"
	"coldvault/qr/scan"
	"coldvault/qr/wedge"
	"coldvault/shard"
	"coldvault/vault/secret"
)

// Limits of text.
const (
	maxTextInput = 4 << 20
	maxLine      = 8 << 10
)

// addScan takes what was read in.
func (in *Intake) addScan(name string, s scanned) error {
	input := Input{Name: name}
	err := s.err
	if err == nil {
		err = secret.Do(func() error {
			if s.text != nil {
				return in.addText(&input, s.text)
			}
			in.addFound(&input, s.found)
			return nil
		})
	}
	s = scanned{}
	secret.Collect()
	if err != nil {
		return err
	}
	if input.Shares+input.Frames+len(input.Notes) == 0 {
		input.Notes = append(input.Notes, "no code of coldvault was found in it")
	}
	in.Inputs = append(in.Inputs, input)
	return nil
}

// addFound takes the codes of an image or PDF in the order in which a person reads the page.
func (in *Intake) addFound(input *Input, found scan.Result) {
	input.Pages, input.Unread = found.Pages, len(found.Unread)
	for _, s := range found.Skipped {
		input.Notes = append(input.Notes, fmt.Sprintf("page %d: %v", s.Page+1, s.Reason))
	}
	slices.SortStableFunc(found.Codes, func(a, b scan.Code) int {
		return cmp.Or(a.Page-b.Page, a.Bounds.Min.Y-b.Bounds.Min.Y, a.Bounds.Min.X-b.Bounds.Min.X)
	})
	for _, c := range found.Codes {
		input.Codes++
		in.addCode(input, c.Text, c.Drawn)
	}
}

// addText reads codes, one a line as zbarimg or a wedge scanner give them, and
// word lists, however a person has laid them out.
func (in *Intake) addText(input *Input, data []byte) error {
	if len(data) > maxTextInput {
		return errors.New("neither an image nor a PDF, and too large for text")
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return errors.New("neither an image, a PDF nor text: PNG, JPEG, TIFF, PDF and text can be read")
	}
	list := wordList{take: func(text []byte) { in.addShareText(input, text) }}
	for line := range bytes.SplitSeq(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n")) {
		code := bytes.TrimPrefix(bytes.TrimSpace(line), []byte("QR-Code:"))
		text, wipe := asDigits(code)
		if text == nil {
			if !list.line(code) && looksLikeCode(code) {
				in.addShareText(input, code) // says what is wrong with it
			}
			continue
		}
		list.flush()
		input.Codes++
		in.addCode(input, text, false)
		wipe()
	}
	list.flush()
	return nil
}

// looksLikeCode tells a code that was mistyped from a heading.
func looksLikeCode(line []byte) bool {
	const many = 40
	n := 0
	for _, c := range line {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n >= many
}

// asDigits gives a line that is digits, also one that a wedge scanner typed through
// a keyboard layout that makes something else of them; nil where it is neither.
func asDigits(line []byte) (text []byte, wipe func()) {
	switch {
	case isDigits(line):
		return line, func() {}
	case len(line) == 0 || len(line) > maxLine:
		return nil, func() {}
	}
	// Inside secret.Do, as everything that reads text.
	scratch := make([]byte, len(line))
	text, _ = wedge.Digits(scratch, line, isCode)
	return text, func() { secret.Wipe(scratch) }
}

// isCode says whether digits are a frame or a share, by their checksum.
func isCode(text []byte) bool {
	payload, err := digits.Decode(nil, text)
	if err != nil {
		return false
	}
	defer secret.Wipe(payload)
	if _, err = qr.ParseFrame(payload); errors.Is(err, qr.ErrFrameVersion) {
		_, err = shard.Parse(payload)
	}
	return err == nil
}

func isDigits(line []byte) bool {
	for _, c := range line {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(line) > 0
}

// addCode takes the digits of one code, drawn or scanned. What is neither a share nor a frame is
// noted: a page may carry other codes.
func (in *Intake) addCode(input *Input, text []byte, drawn bool) {
	if len(text) > maxLine {
		input.refuse(errors.New("a code that is not coldvault's"))
		return
	}
	frame, err := in.frame(text)
	if err == nil {
		set, _, err := in.sets.Add(frame)
		if err != nil {
			input.refuse(err)
			return
		}
		input.Frames++
		if in.scanned[set] == nil {
			in.scanned[set] = map[int]bool{}
		}
		if !drawn {
			in.scanned[set][frame.Index] = true
		}
		return
	}
	if !errors.Is(err, qr.ErrFrameVersion) {
		input.refuse(fmt.Errorf("a code that cannot be used: %w", err))
		return
	}
	before := len(in.Shares)
	in.addShareText(input, text)
	for i := range in.Shares[before:] {
		in.Shares[before+i].Drawn = drawn
	}
}

func (in *Intake) frame(text []byte) (qr.Frame, error) {
	if !isDigits(text) {
		return qr.Frame{}, qr.ErrFrameVersion
	}
	payload, err := digits.Decode(nil, text)
	if err != nil {
		return qr.Frame{}, err
	}
	// It may be a share: this copy is inside secret.Do.
	defer secret.Wipe(payload)
	return qr.ParseFrame(payload)
}

// addShareText parses a share straight into guarded memory.
func (in *Intake) addShareText(input *Input, text []byte) {
	slot, err := in.slot()
	if err != nil {
		input.refuse(err)
		return
	}
	s, err := shard.ParseAny(slot, text)
	if err != nil {
		secret.Wipe(slot)
		input.refuse(fmt.Errorf("a share that cannot be used: %w", wrongWords(slot, text, err)))
		return
	}
	in.Shares = append(in.Shares, GivenShare{Share: s, From: input.Name})
	input.Shares++
}

// keep copies a share into guarded memory that lives as long as the intake.
func (in *Intake) keep(input *Input, share shard.Share) error {
	slot, err := in.slot()
	if err != nil {
		return err
	}
	copy(slot, share.Bytes())
	s, err := shard.Parse(slot)
	if err != nil {
		return err
	}
	in.Shares = append(in.Shares, GivenShare{Share: s, From: input.Name})
	input.Shares++
	return nil
}

// slot is the memory for the next share.
func (in *Intake) slot() ([]byte, error) {
	if len(in.Shares) == maxShares {
		return nil, fmt.Errorf("more than %d shares", maxShares)
	}
	i := len(in.Shares) * shard.ShareSize
	return in.raw.Bytes()[i : i+shard.ShareSize : i+shard.ShareSize], nil
}
