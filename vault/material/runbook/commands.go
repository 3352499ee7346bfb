package runbook

import (
	"fmt"
	"path"
	"strings"
)

// Owners and modes as the file table shows them.
const (
	ownerYou  = "you"
	ownerNode = "`$NODE_USER`"
	modeKey   = "0400"
)

// in is a path in the folder of a shell variable, which must be set.
func in(variable string, name ...string) word {
	w := word{`"${` + variable + `:?}"`}
	if len(name) > 0 {
		w = append(word{w[0] + "/"}, quoted(path.Join(name...))...)
	}
	return w
}

// source is a restored file.
func source(f *file) word { return append(word{`"${RESTORED:?}"/`}, quoted(f.As)...) }

// value is what a shell variable holds.
func value(variable string) word { return in(variable) }

// choose is the file to use, or a variable that a step, which is added, sets to one of
// several.
func choose(steps *[]block, files []*file, variable, hint string) word {
	if len(files) == 1 {
		return source(files[0])
	}
	c := cmd("select " + variable + " in")
	for _, f := range files {
		c = c.arg(source(f))
	}
	*steps = append(*steps, step(fmt.Sprintf("There are %d files for this. Use exactly one: %s. Type its number:", len(files), hint),
		c.lit("; do break; done")))
	return value(variable)
}

// install copies a file to its place, with its owner and mode.
func install(owner, mode string, from, to word) command {
	c := cmd("sudo install")
	if owner != "" {
		c = c.lit("-o").arg(word{owner})
	}
	return c.lit("-m "+mode).arg(from, to)
}

// base is the name of a file in the folder it goes to.
func base(f *file) string { return path.Base(f.Name) }

// names lists files for a sentence.
func names(files []*file) string {
	var out []string
	for _, f := range files {
		out = append(out, "`"+f.as+"`")
	}
	return strings.Join(out, ", ")
}

// put sets the place of files.
func put(files []*file, where, owner, mode string) {
	for _, f := range files {
		f.to = place{where, owner, mode}
	}
}

// proveDead is the second step everywhere: an old host that nobody reaches may still run.
const proveDead = "Prove it dead. If you cannot reach the old host, cut its power. If you can do neither, stop here. "

// stillRuns is the proof, a command that is given on the old host.
func stillRuns(process string) block {
	return step(proveDead+"On the old host this must print nothing:", cmd("pgrep -a "+process))
}
