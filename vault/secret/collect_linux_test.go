package secret

import (
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"
)

// crypto/ed25519 keeps an expanded private key in a cache that a cleanup of the key it was
// made from evicts (crypto/internal/fips140cache). The cleanup runs after one collection, and
// only the next one frees, and erases, what it has let go.
func TestCollectFreesWhatACleanupLetsGo(t *testing.T) {
	for range 50 {
		var cache sync.Map
		held := hold(&cache)
		Collect()
		require.Nil(t, held.Value(), "what the cache held is still there")
	}
}

// hold fills a cache as ed25519 does.
func hold(cache *sync.Map) weak.Pointer[[64]byte] {
	key, value := new([64]byte), new([64]byte)
	at := weak.Make(key)
	cache.Store(at, value)
	runtime.AddCleanup(key, func(at weak.Pointer[[64]byte]) { cache.Delete(at) }, at)
	return weak.Make(value)
}
