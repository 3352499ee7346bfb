package cardano

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"coldvault/vault/material"
)

// Limits of a pool's metadata: cardano-ledger's size, and what cardano-cli accepts.
const (
	maxMetadata    = 512
	maxName        = 50
	maxDescription = 255
	minTicker      = 3
	maxTicker      = 5
)

// checkMetadata compares the metadata file, the hash file and the pool certificate
// with each other. The hash is over the bytes of the file: a changed space changes it.
func (s *set) checkMetadata() {
	isMetadata := func(o *object) bool { return o.digest != nil }
	for _, o := range s.all(func(o *object) bool { return hasTerms(o) && o.cert.terms.metadataHash != nil }) {
		s.checkMetadataHash(o, o.cert.terms.metadataHash, s.near(o, isMetadata))
		for _, u := range s.near(o, func(c *object) bool { return c.role == RoleMetadataURL && c.defect == nil }) {
			s.Compare(u.text == o.cert.terms.metadataURL, CheckMetadataURL, fmt.Sprintf("%q is the URL in %q", u.name, o.name),
				fmt.Sprintf("%q is not the URL in %q", u.name, o.name), o.cert.terms.metadataURL, u, o)
		}
	}
	for _, o := range s.all(func(o *object) bool { return o.role == RoleMetadataHash && o.hash != nil }) {
		files := s.near(o, isMetadata)
		if len(files) == 0 {
			s.checkHashFile(o)
		}
		s.checkMetadataHash(o, o.hash, files)
	}
	for _, o := range s.all(func(o *object) bool { return o.meta != nil }) {
		s.checkLimits(o)
	}
}

func (s *set) checkMetadataHash(o *object, hash []byte, files []*object) {
	if len(files) == 0 {
		return
	}
	for _, f := range files {
		if bytes.Equal(f.digest, hash) {
			s.Add(material.Pass, CheckMetadataHash, fmt.Sprintf("%q has the hash in %q", f.name, o.name), hex.EncodeToString(hash), f, o)
			return
		}
	}
	s.Add(material.Fail, CheckMetadataHash, fmt.Sprintf("%q has another hash than the one in %q", files[0].name, o.name),
		hex.EncodeToString(files[0].digest)+" is not "+hex.EncodeToString(hash), append([]*object{o}, files...)...)
}

// checkHashFile compares a hash file with the certificate where the metadata itself
// is not there.
func (s *set) checkHashFile(o *object) {
	for _, c := range s.near(o, hasTerms) {
		s.Compare(bytes.Equal(c.cert.terms.metadataHash, o.hash), CheckMetadataHash, fmt.Sprintf("%q has the hash in %q", o.name, c.name),
			fmt.Sprintf("%q has another hash than %q", o.name, c.name), hex.EncodeToString(o.hash), o, c)
	}
}

func (s *set) checkLimits(o *object) {
	m := o.meta
	ticker := utf8.RuneCountInString(*m.Ticker)
	ok := m.size <= maxMetadata && utf8.RuneCountInString(*m.Name) <= maxName && utf8.RuneCountInString(*m.Description) <= maxDescription &&
		ticker >= minTicker && ticker <= maxTicker
	if !ok {
		s.Add(material.Warn, CheckMetadataLimits,
			fmt.Sprintf("%q breaks a limit: %d bytes, name %d, description %d, ticker %d to %d characters", o.name, maxMetadata, maxName, maxDescription, minTicker, maxTicker),
			"", o)
	}
}
