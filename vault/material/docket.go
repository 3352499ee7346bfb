package material

import "slices"

// Docket collects what a profile finds out about its objects, each of which is one
// file or a part of one.
type Docket[O interface{ File() string }] struct{ Findings }

// Add records a verdict about objects.
func (d *Docket[O]) Add(status Status, id, text, evidence string, about ...O) {
	v := Verdict{Status: status, ID: id, Text: text, Evidence: evidence}
	for _, o := range about {
		if name := o.File(); !slices.Contains(v.Files, name) {
			v.Files = append(v.Files, name)
		}
	}
	d.Verdicts = append(d.Verdicts, v)
}

// Compare records PASS or FAIL.
func (d *Docket[O]) Compare(ok bool, id, pass, fail, evidence string, about ...O) {
	if ok {
		d.Add(Pass, id, pass, evidence, about...)
	} else {
		d.Add(Fail, id, fail, evidence, about...)
	}
}
