package media

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// seal --replug: the stick is pulled, another is put in, then the right one at another
// place. Shows G26.
func TestAStickThatIsPulledAndPutBack(t *testing.T) {
	c := computer(t)
	h := c.host()
	c.plug(sandisk)
	c.mount(mountStick)
	want, mounted, err := h.Mounted("/media/keys")
	require.NoError(t, err)
	require.True(t, mounted)
	require.True(t, h.Present(want))
	place, found := h.Find(want)
	require.True(t, found)
	require.Equal(t, "/media/keys", place)

	c.unmount("/media/keys")
	require.True(t, h.Present(want), "only unmounted")
	_, found = h.Find(want)
	require.False(t, found)

	c.remove(sandisk.dir())
	require.False(t, h.Present(want))
	have, mounted, err := h.Mounted("/media/keys")
	require.NoError(t, err)
	require.False(t, mounted, "the empty folder is on the system disk")
	require.True(t, have.System)

	c.plug(kingston)
	c.mount(mountStick)
	require.False(t, h.Present(want), "the other stick has the same name")
	_, found = h.Find(want)
	require.False(t, found)
	err = Recognise(want, device(t, h, "/media/keys"))
	var wrong *WrongDeviceError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, "4C530001230512101234", wrong.Want.Serial)
	require.EqualError(t, err, `"/media/keys" is on USB stick Kingston DataTraveler 3.0, 16 GB, serial …ACC9, exFAT "KEYS" 01AB-77C3, `+
		`not on USB stick SanDisk Ultra, 31 GB, serial …1234, exFAT "KEYS" 5E2A-11F0`)

	back := sandisk
	back.port, back.name, back.dev, back.seq = "1-6", "sdf", "8:80", "31"
	c.plug(back)
	c.mount("60 27 8:81 / /run/media/op/KEYS rw - exfat /dev/sdf1 rw")
	place, found = h.Find(want)
	require.True(t, found)
	require.Equal(t, "/run/media/op/KEYS", place)
	have = device(t, h, place)
	require.NoError(t, Recognise(want, have))
	require.True(t, SameDevice(want, have))
	require.Equal(t, want.ID(), have.ID())
	require.True(t, h.Present(have))
	require.False(t, h.Present(want), "another plugging in")
}

// A card reader stays when the card goes; a share has nothing but its mount.
func TestPresent(t *testing.T) {
	c := computer(t)
	c.plug(sandisk)
	c.mount(mountStick, "41 27 0:60 / /mnt/nas rw - nfs4 nas:/a rw")
	h := c.host()
	stick, share := device(t, h, "/media/keys"), device(t, h, "/mnt/nas")
	require.True(t, h.Present(stick))
	require.True(t, h.Present(share))

	c.attrs(sandisk.disk(), attrs{"size": "0"})
	c.unmount("nas:")
	require.False(t, h.Present(stick))
	require.False(t, h.Present(share))

	c.mount("42 27 0:62 / /mnt/other rw - nfs4 nas:/b rw")
	_, found := h.Find(share)
	require.False(t, found, "another share of the server")
	c.mount("41 27 0:61 / /mnt/elsewhere rw - nfs4 nas:/a rw")
	place, found := h.Find(share)
	require.True(t, found)
	require.Equal(t, "/mnt/elsewhere", place)

	delete(c, "proc/self/mountinfo")
	require.False(t, h.Present(share))
	_, found = h.Find(share)
	require.False(t, found)
}

// What is recorded and read again has lost only that it was plugged in then.
func TestARecordedDeviceIsRecognised(t *testing.T) {
	c := computer(t)
	c.plug(sandisk)
	c.mount(mountStick)
	now := device(t, c.host(), "/media/keys")
	data, err := json.Marshal(now)
	require.NoError(t, err)
	var recorded Device
	require.NoError(t, json.Unmarshal(data, &recorded))
	require.NoError(t, Recognise(recorded, now))
	require.True(t, SameDevice(recorded, now))
	place, found := c.host().Find(recorded)
	require.True(t, found)
	require.Equal(t, "/media/keys", place)
}

// A stick that is mounted twice is found where it was; one that a later mount hides is
// not found there.
func TestFindPrefersThePlaceBeforeAndWhatCanBeSeen(t *testing.T) {
	c := computer(t)
	c.plug(sandisk)
	c.mount("39 27 8:17 / /mnt/first rw - exfat /dev/sdb1 rw", mountStick,
		"41 27 8:17 /backup /srv/copy rw - exfat /dev/sdb1 rw")
	want := device(t, c.host(), "/media/keys")
	place, found := c.host().Find(want)
	require.True(t, found)
	require.Equal(t, "/media/keys", place)

	c.mount("45 40 0:70 / /media/keys rw - tmpfs tmpfs rw")
	place, found = c.host().Find(want)
	require.True(t, found)
	require.Equal(t, "/mnt/first", place)

	c.unmount("/mnt/first")
	_, found = c.host().Find(want)
	require.False(t, found, "hidden there, and the bind mount shows another folder")
}

// Every mark by which a device is recognised counts; what a replug changes does not.
func TestRecognise(t *testing.T) {
	want := Device{Kind: KindUSB, Vendor: "V", Model: "M", Serial: "S", Size: 5, FSUUID: "U", PartUUID: "P", Label: "L", Source: "/dev/sdb1", Major: 8, Minor: 17}
	tests := []struct {
		name  string
		edit  func(d *Device)
		wrong bool
	}{
		{"the same", func(*Device) {}, false},
		{"at another place", func(d *Device) { d.Source, d.Minor, d.MountPoint, d.Path = "/dev/sdc1", 33, "/mnt", "/mnt" }, false},
		{"mounted read-only", func(d *Device) { d.ReadOnly = true }, false},
		{"with a new label", func(d *Device) { d.Label = "new" }, false},
		{"another card in the same reader", func(d *Device) { d.FSUUID = "other" }, true},
		{"a clone", func(d *Device) { d.Serial = "other" }, true},
		{"another partition", func(d *Device) { d.PartUUID = "other" }, true},
		{"another make", func(d *Device) { d.Model = "other" }, true},
		{"another size", func(d *Device) { d.Size = 6 }, true},
		{"an image on it", func(d *Device) { d.Image = "/x.img" }, true},
		{"a share", func(d *Device) { d.Kind = KindNetwork }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := want
			tt.edit(&have)
			err := Recognise(want, have)
			var wrong *WrongDeviceError
			require.Equal(t, tt.wrong, errors.As(err, &wrong))
			if tt.wrong {
				require.Equal(t, WrongDeviceError{want, have}, *wrong)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

// Where two sticks look alike to an operator, the error says in what they differ. Breaks G26.
func TestWrongDeviceErrorTellsLookalikesApart(t *testing.T) {
	want := Device{Kind: KindUSB, Removable: true, Model: "M", Serial: "111111119999", FSType: "vfat"}
	have := want
	have.Serial, have.Path = "222222229999", "/mnt"
	require.EqualError(t, Recognise(want, have),
		`"/mnt" is on USB stick M, serial …9999, FAT (serial=222222229999), not on USB stick M, serial …9999, FAT (serial=111111119999)`)
}
