package filecoin

// Ids of the checks, in the order in which they run.
const (
	// A file is what its type or its name says.
	CheckFile = "FILECOIN-FILE"
	// A private key is one of its curve, and the ID follows from it.
	CheckKey = "FILECOIN-KEY"
	// The key is in a Ledger device, not here.
	CheckLedger = "FILECOIN-LEDGER"
	// A file in a keystore holds what its name says.
	CheckKeystoreName = "FILECOIN-KEYSTORE-NAME"
	// The files of a keystore are readable by their owner only.
	CheckMode = "FILECOIN-MODE"
	// A wallet's key makes the address in its file's name.
	CheckAddress = "FILECOIN-ADDRESS"
	// The default key is one of the wallets of its keystore.
	CheckDefault = "FILECOIN-DEFAULT"
	// The token of a repo is signed with its secret.
	CheckToken = "FILECOIN-TOKEN"

	// A metadata backup is whole: layout, SHA-256, nothing behind it.
	CheckBackup = "FILECOIN-BACKUP"
	// The number for the next sector is not below that of the newest one.
	CheckNextID = "FILECOIN-BACKUP-NEXTID"
	// The backup knows the newest sector: only the chain and the disks know.
	CheckNewest = "FILECOIN-BACKUP-NEWEST"
	// All backups are of one miner.
	CheckMiner = "FILECOIN-BACKUP-MINER"

	// There is a sectorstore.json for every path of storage.json.
	CheckStorage = "FILECOIN-STORAGE"
	// No two folders of sectors have the same ID.
	CheckStoreID = "FILECOIN-STORAGE-ID"

	// Nothing that a miner needs is missing.
	CheckMandatory = "FILECOIN-LIST-MANDATORY"
)
