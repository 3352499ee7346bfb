package main

import (
	"errors"
	"fmt"
	"os"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault"
	"coldvault/vault/secret"
)

// diceFromFile reads rolls where nobody types them: a terminal would show them.
func (u *ui) diceFromFile(name string) (*secret.Buffer, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := secret.Read(u.quiet(f), 0, 2*vault.MaxDice) // with line breaks
	if errors.Is(err, errEcho) {
		return nil, &ceremony.HintError{Err: fmt.Errorf("the rolls in %s: %w", name, err), Hint: "type the rolls with --dice, or give a file"}
	}
	if err != nil {
		return nil, fmt.Errorf("the rolls in %s: %w", name, err)
	}
	defer text.Destroy()
	rolls, err := vault.ParseDice(text.Bytes())
	if err != nil {
		return nil, fmt.Errorf("the rolls in %s: %w", name, err)
	}
	return rolls, nil
}

// diceEditor counts the rolls that are typed; the digits are in guarded memory and are
// never shown.
type diceEditor struct {
	rolls []byte // guarded memory
	n     int
}

// key takes one character. It tells whether Enter was pressed.
func (e *diceEditor) key(c byte) (entered bool) {
	switch {
	case c >= '1' && c <= '6' && e.n < len(e.rolls):
		e.rolls[e.n] = c
		e.n++
	case (c == backspace || c == del) && e.n > 0:
		e.n--
		e.rolls[e.n] = 0
	}
	return c == '\n' || c == '\r'
}

// askDice has rolls typed without echo and shows how many there are.
func (u *ui) askDice() (*secret.Buffer, error) {
	if u.hide() != nil {
		return nil, &ceremony.HintError{Err: errors.New("there is no terminal to type dice at"), Hint: "give the rolls with --dice-file FILE"}
	}
	stop, err := u.keyByKey()
	if err != nil {
		return nil, err
	}
	defer stop()
	b, err := secret.New(vault.MaxDice + 1)
	if err != nil {
		return nil, err
	}
	defer b.Destroy()
	u.Progress("", 0, 0)
	u.tell(u.hidden.screen, dicePrompt, vault.MinDice)
	key := b.Bytes()[vault.MaxDice:]
	e := &diceEditor{rolls: b.Bytes()[:vault.MaxDice]}
	for {
		if err := u.readKey(key); err != nil {
			return nil, err
		}
		entered := e.key(key[0])
		switch {
		case canDraw():
			u.redraw(u.hidden.screen, fmt.Sprintf("rolls: %d", e.n), nil, "")
		case entered:
			u.tell(u.hidden.screen, "rolls: %d\n", e.n)
		}
		if entered && e.n >= vault.MinDice {
			break
		}
	}
	u.tell(u.hidden.screen, "\n")
	return vault.ParseDice(e.rolls[:e.n])
}

const dicePrompt = "Roll a six-sided die and type what it shows, 1 to 6, at least %d times; Enter ends (not shown, only counted):\n"
