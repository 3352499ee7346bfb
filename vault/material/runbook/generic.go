package runbook

// planGeneric is for files that no network is known for.
func planGeneric(_ *book, files []*file) plan {
	p := plan{title: "Other files",
		never:   []string{"No check knows these files. Never run two copies of what uses them before you know that it may run twice."},
		compare: []string{"Start what uses the files. Compare what it shows with your own record."}}
	for _, f := range files {
		f.to = place{"where it was", "as before", f.Mode}
	}
	p.steps = []block{
		step("Stop what uses these files, on the old host too. Prove it dead."),
		step("Put every file back to where it was, with the owner it had and the mode in the table of files. " +
			"All are restored with mode 0400 now."),
	}
	return p
}
