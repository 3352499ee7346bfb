package ceremony

import "coldvault/vault"

// warnOfDisk says what it means where a folder for secrets is on a disk.
func warnOfDisk(c Console, folder string) (inMemory bool, err error) {
	inMemory, err = vault.InMemory(folder)
	if err == nil && !inMemory {
		c.Warn("%s is on a disk: what was once on flash cannot be erased; a folder in memory, such as one in /dev/shm, is gone with the power", folder)
	}
	return inMemory, err
}
