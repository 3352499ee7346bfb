package main

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault/secret"
)

// newPassphrase has the person at the terminal take generated words or choose a
// passphrase, after a test of the keyboard.
func (u *ui) newPassphrase() (*secret.Buffer, error) {
	own, err := u.chooseOwn()
	if err != nil {
		return nil, err
	}
	keys := keysOfWords
	if own {
		keys = keysOfAny
	}
	if err := u.testKeyboard(keys); err != nil {
		return nil, err
	}
	if err := u.hide(); err != nil {
		return nil, errNoTerminal
	}
	if own {
		return u.ownPassphrase()
	}
	return u.generatedPassphrase()
}

// chooseOwn asks which it is to be, without echo: someone will type the passphrase here.
func (u *ui) chooseOwn() (bool, error) {
	prompt := fmt.Sprintf("new passphrase for the vault's signer: Enter gives one of %d random words (%d bits), own lets you choose: ",
		ceremony.PassphraseWords, ceremony.PassphraseBits)
	for {
		answer, err := u.passphrase(prompt)
		if err != nil {
			return false, err
		}
		choice, own := answer.Len(), string(answer.Bytes()) == "own"
		answer.Destroy()
		if own || choice == 0 {
			return own, nil
		}
		u.Warn("that is neither; nothing of it was kept")
	}
}

// ownPassphrase is asked for twice.
func (u *ui) ownPassphrase() (*secret.Buffer, error) {
	for {
		first, err := u.askHidden("your passphrase: ")
		if err != nil {
			return nil, err
		}
		if err := ceremony.CheckPassphrase(first); err != nil {
			empty := first.Len() == 0
			first.Destroy()
			if empty {
				return nil, err
			}
			u.Warn("%v; %s, or give up with an empty line", err, hintOf(err))
			continue
		}
		return u.confirmed(first)
	}
}

// confirmed gives first back if it is typed once more, and destroys it otherwise.
func (u *ui) confirmed(first *secret.Buffer) (*secret.Buffer, error) {
	second, err := u.askHidden("once more: ")
	if err != nil {
		first.Destroy()
		return nil, err
	}
	defer second.Destroy()
	if subtle.ConstantTimeCompare(first.Bytes(), second.Bytes()) != 1 {
		first.Destroy()
		return nil, errors.New("the two passphrases differ")
	}
	return first, nil
}

// generatedPassphrase shows new words on the alternate screen until they are typed back.
func (u *ui) generatedPassphrase() (_ *secret.Buffer, err error) {
	p, err := ceremony.NewPassphrase()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.Destroy()
		}
	}()
	defer u.apart()()
	for {
		done, err := u.showAndAsk(p)
		if err != nil {
			return nil, err
		}
		if done {
			return p, nil
		}
	}
}

// showAndAsk shows the words, takes them away, and has them typed.
func (u *ui) showAndAsk(p *secret.Buffer) (same bool, err error) {
	s := u.hidden.screen
	s.erase()
	u.tell(s, "The new passphrase of the vault's signer:\n\n    ")
	u.tellSecret(s, p.Bytes())
	seen, err := u.askHidden("\n\nWrite it down for yourself alone, not beside a card. Enter takes it off the screen: ")
	if err != nil {
		return false, err
	}
	seen.Destroy()
	s.erase()
	typed, err := u.askHidden("Type it back, one space between words (not shown; an empty line shows it again): ")
	if err != nil {
		return false, err
	}
	defer typed.Destroy()
	return subtle.ConstantTimeCompare(bytes.TrimSpace(typed.Bytes()), p.Bytes()) == 1, nil
}
