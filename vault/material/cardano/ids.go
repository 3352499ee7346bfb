package cardano

// Ids of the checks, in the order in which they run.
const (
	// A file is what its type or its name says.
	CheckFile = "CARDANO-FILE"
	// The type of an envelope, or the layout of a certificate, is known.
	CheckKind = "CARDANO-KIND"
	// Encrypted keys, words and old addresses: nothing can be proven about them.
	CheckOpaque = "CARDANO-OPAQUE"
	// A signing key is in a hardware wallet, not here.
	CheckHardware = "CARDANO-HARDWARE"
	// A signing key is readable by its owner only.
	CheckMode = "CARDANO-MODE"

	// A signing key makes the verification key beside it.
	CheckKeyPair = "CARDANO-KEY-PAIR"
	// A KES, VRF or extended key agrees with itself.
	CheckKeyWhole = "CARDANO-KEY-WHOLE"
	// A KES key is at evolution 0, as a node expects it in a file.
	CheckKESEvolution = "CARDANO-KES-EVOLUTION"

	// The operational certificate is signed by the cold key it names.
	CheckOpcertSignature = "CARDANO-OPCERT-SIGNATURE"
	// The operational certificate names the set's cold key.
	CheckOpcertCold = "CARDANO-OPCERT-COLD"
	// The operational certificate names the set's KES key.
	CheckOpcertKES = "CARDANO-OPCERT-KES"
	// No two operational certificates have the same number.
	CheckOpcertNumber = "CARDANO-OPCERT-NUMBER"
	// A KES key is named by an operational certificate.
	CheckKESUsed = "CARDANO-KES-USED"
	// How long the newest operational certificate is valid.
	CheckKESExpiry = "CARDANO-KES-EXPIRY"
	// The counter names the set's cold key.
	CheckCounterCold = "CARDANO-COUNTER-COLD"
	// The counter follows the newest operational certificate.
	CheckCounterNumber = "CARDANO-COUNTER-NUMBER"
	// The counter is what the chain expects: only the chain knows.
	CheckCounterChain = "CARDANO-COUNTER-CHAIN"

	// A pool id file names the set's pool.
	CheckPoolID = "CARDANO-POOL-ID"
	// A file with a key hash names a key of the set.
	CheckKeyHash = "CARDANO-KEY-HASH"
	// The payment part of an address is of a key of the set.
	CheckAddressPayment = "CARDANO-ADDRESS-PAYMENT"
	// The stake part of an address is of a key of the set.
	CheckAddressStake = "CARDANO-ADDRESS-STAKE"

	// A stake or delegation certificate is for a stake key of the set.
	CheckCertStake = "CARDANO-CERT-STAKE"
	// A certificate names the set's pool.
	CheckCertPool = "CARDANO-CERT-POOL"
	// A certificate does not end what the set is for.
	CheckCertEnds = "CARDANO-CERT-ENDS"
	// The pool certificate names the set's VRF key.
	CheckPoolVRF = "CARDANO-POOL-VRF"
	// An owner of the pool certificate is a stake key of the set.
	CheckPoolOwner = "CARDANO-POOL-OWNER"
	// The reward account of the pool certificate is a stake key of the set.
	CheckPoolReward = "CARDANO-POOL-REWARD"

	// The metadata has the hash of the hash file and of the pool certificate.
	CheckMetadataHash = "CARDANO-METADATA-HASH"
	// The metadata keeps to the limits of the ledger and the explorers.
	CheckMetadataLimits = "CARDANO-METADATA-LIMITS"
	// The URL file has the URL of the pool certificate.
	CheckMetadataURL = "CARDANO-METADATA-URL"

	// All addresses are of one network.
	CheckNetwork = "CARDANO-NETWORK"
	// Something in the set proves each signing key.
	CheckKeyProven = "CARDANO-KEY-PROVEN"
	// Nothing that cannot be made again is missing.
	CheckListMandatory = "CARDANO-LIST-MANDATORY"
	// What else is missing can be made again.
	CheckListDerivable = "CARDANO-LIST-DERIVABLE"
)
