// Package filecoin knows the files of a Lotus node and miner: keystores and wallet
// exports, tokens, configuration, and backups of the metadata.
//
// It follows the formats of Lotus (chain/types/keystore.go, lib/backupds) and the
// addresses of the Filecoin specification, FIP-0048 and FIP-0055.
//
// A private key is reduced to its address, its peer id or a comparison while the file
// is read; copies made on the way are wiped, what the libraries of the curves copy is
// not, so callers run this inside runtime/secret. A metadata backup is read in
// memory that does not grow with it.
//
// Compartments: wallets are cold, because no file says which of them is an owner and
// which a worker or a control key; whoever wants a standby miner puts the latter into
// hot. The identity of the host, the secret of the tokens, a token and the metadata,
// which say nothing about funds, are hot: a node does not run without them. What is
// not secret and seldom changes (config.toml, storage.json, sectorstore.json) is in
// both.
package filecoin

import (
	"coldvault/vault/material"
)

// Network is the name of the profile.
const Network = "filecoin"

// Roles of the files of a node and a miner.
const (
	RoleWallet   = "wallet"         // in a keystore
	RoleExport   = "wallet-export"  // as "lotus wallet export" writes it
	RoleDefault  = "default-wallet" // the copy of one wallet that is used if none is named
	RolePeer     = "libp2p-host"    // the identity of the host
	RoleJWT      = "auth-jwt-private"
	RoleToken    = "token"
	RoleMetadata = "metadata-backup"
	RoleConfig   = "config"
	RoleStorage  = "storage"
	RoleStore    = "sectorstore"
	RoleSector   = "sector" // a sector's data, which no backup holds
)

func compartments(role string) material.Compartments {
	switch role {
	case RolePeer, RoleJWT, RoleToken, RoleMetadata:
		return material.Hot
	case RoleConfig, RoleStorage, RoleStore:
		return material.Cold | material.Hot
	}
	return material.Cold
}

func secretRole(role string) bool {
	switch role {
	case RoleWallet, RoleExport, RoleDefault, RolePeer, RoleJWT, RoleToken:
		return true
	}
	return false
}

// Profile holds the rules of Filecoin.
type Profile struct{}

// Name is "filecoin".
func (Profile) Name() string { return Network }

// Recognise says what one file is.
func (Profile) Recognise(f material.File) (material.Item, material.Certainty) {
	o, certainty := read(f, false)
	defer o.key.wipe()
	if certainty == material.NotMine {
		return material.Item{}, certainty
	}
	return material.Item{
		Role: o.role, In: compartments(o.role), Secret: secretRole(o.role) && o.key.kind != typeLedger,
		ID: o.id(), Note: o.note(),
	}, certainty
}

// Judge checks the files as a set.
func (Profile) Judge(files []material.File, _ []material.Item) material.Findings {
	var s set
	for _, f := range files {
		if o, certainty := read(f, true); certainty != material.NotMine {
			s.objects = append(s.objects, &o)
		}
	}
	defer s.wipe()
	s.settleNetworks()
	s.checkFiles()
	s.checkWallets()
	s.checkDefaults()
	s.checkTokens()
	s.checkBackups()
	s.checkStorage()
	s.checkMandatory()
	return s.Findings
}
