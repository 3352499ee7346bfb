package testvectors

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Exit codes of recover.py.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitMore   = 4
)

// recoverProcess runs recover.py as a user does, with the text on its standard input.
func recoverProcess(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(lookPython(t), append([]string{"recover.py"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	require.NotContains(t, errs.String(), "Traceback")
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func lookPython(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	return python
}

// recoverServer runs recover.py's main over and over: starting Python takes longer than what is tested. It ends with its
// standard input.
const recoverServer = `
import base64, contextlib, io, json, sys, traceback
sys.dont_write_bytecode = True
sys.path.insert(0, ".")
import recover
requests, answers = sys.stdin, sys.stdout
for line in requests:
    request = json.loads(line)
    sys.argv = ["recover.py"] + request["args"]
    sys.stdin = io.TextIOWrapper(io.BytesIO(base64.b64decode(request["stdin"])))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = recover.main()
        except SystemExit as stop:
            code = stop.code
        except Exception:
            code = traceback.print_exc()
    print(json.dumps({"stdout": out.getvalue(), "stderr": err.getvalue(), "code": code}), file=answers, flush=True)
`

// server is the process, started by the first test that needs it and kept until the tests end.
var server = sync.OnceValues(func() (s struct {
	in  io.Writer
	out *bufio.Reader
}, err error) {
	cmd := exec.Command("python3", "-c", recoverServer)
	in, err := cmd.StdinPipe()
	if err != nil {
		return s, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	s.in, s.out = in, bufio.NewReader(out)
	return s, cmd.Start()
})

// recoverPy is recoverProcess without a process of its own.
func recoverPy(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	lookPython(t)
	s, err := server()
	require.NoError(t, err)
	request, err := json.Marshal(map[string]any{"args": args, "stdin": []byte(stdin)})
	require.NoError(t, err)
	_, err = s.in.Write(append(request, '\n'))
	require.NoError(t, err)
	line, err := s.out.ReadBytes('\n')
	require.NoError(t, err)
	var answer struct {
		Stdout, Stderr string
		Code           *int
	}
	require.NoError(t, json.Unmarshal(line, &answer))
	require.NotContains(t, answer.Stderr, "Traceback")
	require.NotNil(t, answer.Code, answer.Stderr)
	return answer.Stdout, answer.Stderr, *answer.Code
}
