package ceremony

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"coldvault/media"
	"coldvault/vault"
)

// How long a medium that is to be put back is waited for, and how often it is looked for.
var (
	replugPatience = 10 * time.Minute       // Lowered by tests.
	replugPause    = 300 * time.Millisecond // Lowered by tests.
)

// replug has every medium pulled and put back, and reads it again: then what is read can
// come from nowhere but the medium. A medium that is another one is refused by name.
func replug(c Console, places devices, names []string, vaultID string, sealed *vault.SealResult) error {
	var errs []error
	for _, name := range names {
		d, ok := places[name]
		if !ok || !canBePulled(d) {
			c.Warn("%s is on nothing that can be pulled; it was read back past the cache only", name)
			continue
		}
		back, err := putBack(c, name, d)
		if err == nil {
			err = proveAgain(c, back, vaultID, sealed)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		c.Say("%s was pulled and put back, and holds generation %d", back, sealed.Generation)
	}
	return withHint(errors.Join(errs...), "do not count that medium as a copy: check it with `coldvault check MEDIUM`, or seal onto another")
}

func canBePulled(d media.Device) bool { return d.Kind == media.KindUSB || d.Kind == media.KindCard }

// PlacesToPutBack are the folders to read besides the media when they are pulled and put
// back: a file system that is mounted again is none that a sandbox was told of, and a desktop
// mounts it beside where it was. That is all of "/" for what is mounted right below it.
func PlacesToPutBack(media []string) []string {
	host := thisHost()
	var out []string
	for _, name := range media {
		if d, err := host.Device(name); err == nil && canBePulled(d) {
			out = append(out, filepath.Dir(d.MountPoint))
		}
	}
	return out
}

// putBack waits until the device is gone and is there again, and returns where the folder
// is now.
func putBack(c Console, name string, want media.Device) (string, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if full, err = filepath.EvalSymlinks(full); err != nil {
		return "", err
	}
	below, err := filepath.Rel(want.MountPoint, full)
	if err != nil {
		return "", err
	}
	c.Order("unmount and pull %s (%s), and put it back", name, want)
	if err := waitFor(func() bool { return !thisHost().Present(want) }); err != nil {
		return "", fmt.Errorf("it was not pulled: %w", err)
	}
	c.Order("%s is gone; put it back and mount it", name)
	told, mountPoint := "", ""
	err = waitFor(func() bool {
		host := thisHost()
		at, found := host.Find(want)
		if found {
			mountPoint = at
			return true
		}
		have, mounted, err := host.Mounted(want.MountPoint)
		if err != nil || !mounted {
			return false
		}
		if err := media.Recognise(want, have); err != nil && err.Error() != told {
			told = err.Error()
			c.Warn("%s", told)
		}
		return false
	})
	if err != nil {
		return "", fmt.Errorf("it was not put back: %w", err)
	}
	return filepath.Join(mountPoint, below), nil
}

// waitFor asks again and again.
func waitFor(done func() bool) error {
	for until := time.Now().Add(replugPatience); time.Now().Before(until); time.Sleep(replugPause) {
		if done() {
			return nil
		}
	}
	return fmt.Errorf("nothing happened for %s", replugPatience)
}

// proveAgain wants the generation that was sealed, whole.
func proveAgain(c Console, name, vaultID string, sealed *vault.SealResult) error {
	dir, err := media.OpenDir(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	found, err := vault.OpenMedia(dir)
	if err != nil {
		return err
	}
	for _, m := range found {
		if m.ID != vaultID {
			continue
		}
		checked := checkMedium(c, m, vault.CheckOptions{})
		for _, g := range checked.Generations {
			if g.Number == sealed.Generation && g.Whole && !g.Damaged && checked.Digest(g.Number) == sealed.Digest {
				return nil
			}
		}
	}
	return fmt.Errorf("it does not hold generation %d as it was sealed: it takes data and loses them", sealed.Generation)
}
