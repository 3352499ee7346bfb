package main

import (
	"runtime"
	"runtime/debug"

	"coldvault/vault"
	"coldvault/vault/secret"
)

type versionCmd struct{}

func (versionCmd) Run(u *ui) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	erasing := "no: temporaries of computations on secrets are not erased (build with GOEXPERIMENT=runtimesecret)"
	if secret.Erasing {
		erasing = "yes: runtime/secret erases temporaries of computations on secrets"
	}
	u.print("coldvault %s %s/%s %s %s", vault.Version, runtime.GOOS, runtime.GOARCH, runtime.Version(), revision)
	u.print("erasing: %s", erasing)
	u.print("sandbox: %s", u.sandbox)
	u.emit("version", struct {
		Version  string `json:"version"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
		Revision string `json:"revision,omitempty"`
		Erasing  bool   `json:"erasing"`
		Seccomp  bool   `json:"seccomp"`
		Landlock int    `json:"landlock"`
	}{vault.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, revision, secret.Erasing, u.sandbox.Seccomp, u.sandbox.Landlock})
	return nil
}
