package material

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswersOfAServerAreNoBackup(t *testing.T) { // a 404 page must not be sealed as if it were a file of keys
	for _, content := range []string{
		"<!DOCTYPE html><title>404</title>", "\n <html>", "HTTP/1.1 404 Not Found\r\n", `{"error":"not found"}`,
	} {
		r := Inspect([]File{{Name: "dump", Data: []byte(content), Size: int64(len(content))}})
		require.Equal(t, Fail, r.Worst(), content)
		require.Equal(t, CheckWebPage, r.Verdicts[0].ID)
	}
	for _, content := range []string{"<key>", `{"errors":[]}`, "http", "text"} {
		require.Empty(t, Inspect([]File{{Name: "dump", Data: []byte(content), Size: int64(len(content))}}).Verdicts, content)
	}
}
