package pgdump

import (
	"bytes"
	"path"
	"regexp"
	"time"
)

// stamp is a time as far as it is known: an instant, or what a clock showed somewhere.
type stamp struct {
	at    time.Time     // in UTC, or as if the clock were in UTC
	zone  string        // of a clock whose offset is not known
	error time.Duration // how far at may be off
}

// clockRange is how far a clock without a zone may be from UTC.
const clockRange = 14 * time.Hour

func (s stamp) known() bool { return !s.at.IsZero() }

func (s stamp) String() string {
	switch {
	case !s.known():
		return "an unknown time"
	case s.error == 0:
		return s.at.Format("2006-01-02 15:04:05 UTC")
	}
	return s.at.Format("2006-01-02 15:04:05 ") + s.zone
}

// compare gives the order of two times: -1 and 1 where the order is certain, 0 where it is not.
// Clocks that name the same zone are taken for clocks of the same zone.
func (s stamp) compare(o stamp) int {
	off := s.error + o.error
	if s.zone == o.zone && s.zone != noZone {
		off = 0
	}
	switch {
	case !s.known() || !o.known():
		return 0
	case s.at.Add(off).Before(o.at):
		return -1
	case o.at.Add(off).Before(s.at):
		return 1
	}
	return 0
}

// noZone marks the time in an archive's header, which is local and says not where.
const noZone = "local time"

// parseVerbose reads the time in "-- Started on 2026-11-20 23:02:29 UTC".
func parseVerbose(text []byte) stamp {
	m := regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([A-Z]{2,6}|[+-]\d\d(?:\d\d)?)$`).FindSubmatch(text)
	if m == nil {
		return stamp{}
	}
	at, err := time.Parse(time.DateTime, string(m[1]))
	if err != nil {
		return stamp{}
	}
	zone := string(m[2])
	if zone == "UTC" || zone == "GMT" {
		return stamp{at: at}
	}
	for _, layout := range []string{"-07", "-0700"} {
		if offset, err := time.Parse(layout, zone); err == nil {
			_, seconds := offset.Zone()
			return stamp{at: at.Add(-time.Duration(seconds) * time.Second)}
		}
	}
	return stamp{at: at, zone: zone, error: clockRange}
}

// nameTime is the time in a file's name: when the script began that dump. Names that
// had to lose their colons are read as well.
func nameTime(name string) stamp {
	form := regexp.MustCompile(`(\d{4}-\d\d-\d\dT\d\d)[:_-]?(\d\d)[:_-]?(\d\d)(Z|[+-]\d\d[:_-]?\d\d)`)
	m := form.FindStringSubmatch(path.Base(name))
	if m == nil {
		return stamp{}
	}
	zone := m[4]
	if zone != "Z" {
		zone = zone[:3] + ":" + zone[len(zone)-2:]
	}
	at, err := time.Parse(time.RFC3339, m[1]+":"+m[2]+":"+m[3]+zone)
	if err != nil {
		return stamp{}
	}
	return stamp{at: at.UTC()}
}

// rowTime reads a timestamp with time zone as a row shows it.
func rowTime(text []byte) (time.Time, bool) {
	text = bytes.TrimSpace(text)
	for _, layout := range []string{"2006-01-02 15:04:05-07", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05-07:00:00"} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}
