// Command coldvault backs up the keys of a node operator so that they can be
// restored: sealed with age, split among custodians, on USB and on paper. It
// opens no network connection and starts no program.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"coldvault/cmd/internal/ceremony"
	"coldvault/vault"
	"coldvault/vault/secret"
)

// Exit codes; listed in the help.
const (
	exitOK      = 0 // the whole operation succeeded
	exitFailed  = 1
	exitUsage   = 2
	exitDamage  = 3 // damage, incoherence, an unfit host or something due was found
	exitMore    = 4 // more shares or pages are needed
	description = `Backs up the keys of a node operator so that they can be restored: recognises
them, seals them with age, splits what opens them among custodians, writes them
to USB and to paper, and proves every copy. Works without a network.

Exit codes: 0 the whole operation succeeded; 1 failed; 2 wrong use; 3 damage,
incoherence, something due or an unfit host was found; 4 more cards or pages
are needed.`
)

// commands is the command line.
type commands struct {
	Demo      demoCmd      `cmd:"" help:"The main job on throwaway keys: a vault, cards, two media, pages, and restores from what is left."`
	Inspect   inspectCmd   `cmd:"" help:"Say what files are: network, role, compartment, verdicts. Writes nothing."`
	Init      initCmd      `cmd:"" help:"Make a vault and the cards of its custodians."`
	Seal      sealCmd      `cmd:"" help:"Seal files as a new generation onto media. Needs no card."`
	Paper     paperCmd     `cmd:"" help:"Draw a generation as pages of QR codes (PDF)."`
	Scan      scanCmd      `cmd:"" help:"Read scans of pages and cards; say what they are and what is missing."`
	Check     checkCmd     `cmd:"" help:"Verify media, pages and cards without any secret."`
	Restore   restoreCmd   `cmd:"" help:"Restore files from media or pages with a quorum of cards."`
	Drill     drillCmd     `cmd:"" help:"Restore in protected memory only, to prove that it works, and measure it."`
	Copy      copyCmd      `cmd:"" help:"One more proven copy of a generation, without any secret."`
	Kit       kitCmd       `cmd:"" help:"Write or refresh restore/ on media: what restores without anything else."`
	Preflight preflightCmd `cmd:"" help:"Say what this host is: network, radios, swap, memory, clock. Exit code 3 where init, seal, kit, restore and drill refuse."`
	Status    statusCmd    `cmd:"" help:"What the ledger amounts to: 3-2-1-1-0, what is stale, unproven or due. Exit code 3 where something is."`
	Record    recordCmd    `cmd:"" help:"Note in the ledger what only people know: places, custodians, losses, dates."`
	Version   versionCmd   `cmd:"" help:"Print version and build."`

	RequireSandbox bool `name:"require-sandbox" help:"End where the kernel cannot take the network, other programs and other files away from this process."`
	JSON           bool `name:"json" help:"Report as JSON, one object a line, on standard output; text goes to standard error."`
}

func main() {
	stderr, err := secret.DetachStderr()
	if err != nil {
		os.Exit(newUI(os.Stdin, os.Stdout, os.Stderr).fail(err))
	}
	os.Exit(newUI(os.Stdin, os.Stdout, stderr).guarded(os.Args[1:]))
}

// guarded is run with panics as errors that hold no data.
func (u *ui) guarded(args []string) int {
	code := exitFailed
	if err := secret.Guard(func() { code = u.run(args) }); err != nil {
		code = u.fail(err)
	}
	return code
}

// run is one command. A panic goes through its defers too: the terminal is put right and
// secrets are wiped before Guard turns it into an error.
func (u *ui) run(args []string) int {
	u.undo.watch.Do(u.watchSignals)
	defer secret.WipeAll()
	defer u.show()
	if err := secret.Harden(); err != nil {
		return u.fail(err)
	}
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("coldvault"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(u.out, u.err), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		return u.fail(err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if args[0] == "--version" { // as programs have it
		args = append([]string{"version"}, args[1:]...)
	}
	u.json = slices.Contains(args, "--json") // a guess, for errors of parsing
	context, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		return u.fail(&ceremony.HintError{Err: &ceremony.UsageError{Err: err}, Hint: "coldvault --help, or coldvault COMMAND --help"})
	}
	u.json = c.JSON
	u.facts = lookAtHost() // of the kernel: the sandbox closes most of it
	outputs, stop := ceremony.NewOutputs(u)
	defer stop()
	if err := u.confine(context.Selected().Target.Addr().Interface(), outputs, c.RequireSandbox); err != nil {
		return u.fail(err)
	}
	if err := context.Run(u); err != nil {
		return u.fail(err)
	}
	// A reader that has gone, as of `coldvault … | head`, has seen what it wanted.
	if err := u.out.err; err != nil && !errors.Is(err, syscall.EPIPE) {
		return u.fail(&ceremony.HintError{Err: fmt.Errorf("the report could not be written: %w", err), Hint: "the work itself is done"})
	}
	return exitOK
}

// exitCode is the code for an error.
func exitCode(err error) int {
	var usage *ceremony.UsageError
	var quorum *vault.QuorumError
	var pages *ceremony.MorePagesError
	var damaged *vault.DamagedGenerationError
	var forked *vault.ForkedGenerationError
	var incoherent *ceremony.FailedChecksError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &quorum), errors.As(err, &pages):
		return exitMore
	case errors.Is(err, ceremony.ErrDamage), errors.Is(err, ceremony.ErrDue), errors.Is(err, ceremony.ErrHost), errors.As(err, &damaged), errors.As(err, &forked), errors.As(err, &incoherent):
		return exitDamage
	}
	return exitFailed
}

// hintOf finds the hint of an error, "" for none.
func hintOf(err error) string {
	var h *ceremony.HintError
	switch {
	case errors.As(err, &h):
		return h.Hint
	case errors.Is(err, secret.ErrLimit):
		return fmt.Sprintf("allow %d KiB of locked memory or more: ulimit -l unlimited, or run as root", secret.MinimumLocked/1024)
	}
	return ""
}
