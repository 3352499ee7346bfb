package vault

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"coldvault/vault/format"
	"coldvault/vault/secret"
)

// entry is one entry of a tar file that somebody made by hand.
type entry struct {
	tar.Header
	data string
}

func regular(name, data string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o400}, data}
}

func other(kind byte, name, link string) entry {
	return entry{tar.Header{Typeflag: kind, Name: name, Linkname: link, Mode: 0o400}, ""}
}

const testVaultID = "abcdefgh"

func listedFile(name, data string) format.ContentsFile {
	sum := sha256.Sum256([]byte(data))
	return format.ContentsFile{
		Name: name, Role: "file", Network: "generic", Size: int64(len(data)),
		SHA256: hex.EncodeToString(sum[:]), Mode: "0400", Modified: testTime,
	}
}

// list is a contents.json of hot; edit changes its text, which strict encoding
// would not let through.
func list(t testing.TB, edit func(string) string, files ...format.ContentsFile) entry {
	t.Helper()
	c := format.Contents{Vault: testVaultID, Generation: 1, Compartment: "hot", Created: testTime, Files: files}
	data, err := c.Marshal()
	require.NoError(t, err)
	text := string(data)
	if edit != nil {
		text = edit(text)
		require.NotEqual(t, string(data), text, "the edit changed nothing")
	}
	return regular(format.ContentsName, text)
}

func replace(old, new string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, old, new) }
}

func makeTar(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.Typeflag == tar.TypeReg {
			e.Size = int64(len(e.data))
		}
		e.ModTime = testTime
		require.NoError(t, w.WriteHeader(&e.Header))
		_, err := w.Write([]byte(e.data))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

var testSeed = bytes.Repeat([]byte{7}, 32)

func encrypt(t testing.TB, plain []byte, recipients ...age.Recipient) []byte {
	t.Helper()
	if len(recipients) == 0 {
		text, err := recipientOf(testSeed)
		require.NoError(t, err)
		r, err := age.ParseHybridRecipient(text)
		require.NoError(t, err)
		recipients = []age.Recipient{r}
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipients...)
	require.NoError(t, err)
	_, err = w.Write(plain)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func open(t testing.TB, ciphertext []byte) (*Bundle, error) {
	t.Helper()
	id, err := newIdentity(testSeed)
	require.NoError(t, err)
	defer id.destroy()
	return openBundle(ciphertext, id)
}

// What was sealed opens again: the hostile bundles below differ from this one in
// one thing each.
func TestBundleOpens(t *testing.T) {
	b, err := open(t, encrypt(t, zip(t, makeTar(t, list(t, nil, listedFile("a", "x"), listedFile("b/c", "")), regular("a", "x"), regular("b/c", "")))))
	require.NoError(t, err)
	defer b.Destroy()
	require.Len(t, b.Data, 2)
	require.Equal(t, "x", string(b.Data[0].Bytes()))
	require.Nil(t, b.Signer)
}

// Whoever knows a recipient can encrypt to it: what a bundle holds is believed
// only as far as it is exactly what contents.json lists, in plain files. Breaks G8.
func TestHostileBundlesAreRefused(t *testing.T) {
	good := []entry{list(t, nil, listedFile("a", "x")), regular("a", "x")}
	named := func(name string) []entry {
		return []entry{list(t, replace(`"a"`, `"`+name+`"`), listedFile("a", "x")), regular(name, "x")}
	}
	instead := func(e entry) []entry { return []entry{list(t, nil, listedFile(e.Name, "")), e} }
	for name, c := range map[string]struct {
		entries []entry
		err     string
	}{
		"nothing at all":        {nil, `"contents.json" is missing`},
		"no contents":           {[]entry{regular("a", "x")}, `it holds "a" where "contents.json" is expected`},
		"contents not first":    {[]entry{good[1], good[0]}, `it holds "a" where "contents.json" is expected`},
		"contents is a link":    {[]entry{other(tar.TypeSymlink, format.ContentsName, "/etc/passwd")}, "not a regular file"},
		"contents too large":    {[]entry{regular(format.ContentsName, strings.Repeat(" ", format.MaxContentsSize+1))}, "more than"},
		"leaves the folder":     {named("../a"), `component ".."`},
		"leaves it further in":  {named("b/../../a"), `component ".."`},
		"absolute":              {named("/a"), "absolute"},
		"dot":                   {named("./a"), `component "."`},
		"empty component":       {named("b//a"), `component ""`},
		"backslash":             {named(`b\\a`), "not allowed"},
		"control character":     {named(`a\u0007`), "not"},
		"reserved":              {named(format.SignerKeyName), "reserved"},
		"symbolic link":         {instead(other(tar.TypeSymlink, "a", "/etc/passwd")), "not a regular file"},
		"hard link":             {instead(other(tar.TypeLink, "a", "contents.json")), "not a regular file"},
		"character device":      {instead(other(tar.TypeChar, "a", "")), "not a regular file"},
		"block device":          {instead(other(tar.TypeBlock, "a", "")), "not a regular file"},
		"pipe":                  {instead(other(tar.TypeFifo, "a", "")), "not a regular file"},
		"directory":             {instead(other(tar.TypeDir, "a", "")), "not a regular file"},
		"not listed":            {append(good, regular("b", "y")), `it holds "b", which contents.json does not list`},
		"link not listed":       {append(good, other(tar.TypeSymlink, "b", "/etc")), `it holds "b", which contents.json does not list`},
		"twice":                 {append(good, good[1]), `it holds "a", which contents.json does not list`},
		"listed and missing":    {good[:1], `"a" is missing`},
		"other name":            {[]entry{good[0], regular("b", "x")}, `it holds "b" where "a" is expected`},
		"name in another case":  {[]entry{good[0], regular("A", "x")}, `it holds "A" where "a" is expected`},
		"other content":         {[]entry{good[0], regular("a", "y")}, "its digest differs"},
		"shorter":               {[]entry{good[0], regular("a", "")}, "has 0 bytes where 1 are listed"},
		"longer":                {[]entry{good[0], regular("a", "xx")}, "more than the 1 bytes expected"},
		"size that is no size":  {[]entry{list(t, replace(`"size": 1`, `"size": -1`), listedFile("a", "x")), good[1]}, "size is -1"},
		"size without bounds":   {[]entry{list(t, replace(`"size": 1`, `"size": 999999999999`), listedFile("a", "x")), good[1]}, "is listed with 999999999999 bytes"},
		"size above the file":   {[]entry{list(t, replace(`"size": 1`, `"size": 2`), listedFile("a", "x")), good[1]}, "has 1 bytes where 2 are listed"},
		"mode with set-uid":     {[]entry{list(t, replace(`"0400"`, `"4755"`), listedFile("a", "x")), good[1]}, "four octal digits"},
		"unknown member":        {[]entry{list(t, replace(`"role"`, `"rôle"`), listedFile("a", "x")), good[1]}, "not the JSON"},
		"not canonical":         {[]entry{list(t, func(s string) string { return s + "\n" }, listedFile("a", "x")), good[1]}, "canonical"},
		"signer's key in hot":   {append(good, regular(format.SignerKeyName, "k")), "does not list"},
		"cold without a signer": {[]entry{list(t, replace(`"hot"`, `"cold"`), listedFile("a", "x")), good[1]}, `"coldvault-signer.key" is missing`},
		"too large a signer": {[]entry{list(t, replace(`"hot"`, `"cold"`), listedFile("a", "x")), good[1],
			regular(format.SignerKeyName, strings.Repeat("k", maxSignerFile+1))}, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := open(t, encrypt(t, zip(t, makeTar(t, c.entries...))))
			require.Error(t, err)
			require.ErrorContains(t, err, c.err)
			require.Nil(t, b)
		})
	}
}

// Names that meet where case does not count, or where one is the folder of the
// other, cannot both be listed; Marshal would refuse them, so the text is edited. Breaks G8.
func TestBundleWithNamesThatMeetIsRefused(t *testing.T) {
	for _, names := range [][2]string{{"key", "KEY"}, {"key", "key"}, {"ſ", "S"}, {"K", "k"}, {"d", "d/x"}, {"D/x", "d"}} {
		contents := list(t, func(s string) string {
			return strings.NewReplacer(`"first"`, `"`+names[0]+`"`, `"second"`, `"`+names[1]+`"`).Replace(s)
		}, listedFile("first", "x"), listedFile("second", "x"))
		b, err := open(t, encrypt(t, zip(t, makeTar(t, contents, regular(names[0], "x"), regular(names[1], "x")))))
		require.Error(t, err, names)
		require.ErrorContains(t, err, "contents.json: name")
		require.Nil(t, b)
	}
}

// The layers around the tar file hide nothing: the end of one is the end of all.
func TestBundleEndsWhereItsTarEnds(t *testing.T) {
	plain := makeTar(t, list(t, nil, listedFile("a", "x")), regular("a", "x"))
	whole := zip(t, plain)
	empty, err := padding(int64(len(whole)))
	require.NoError(t, err)
	b, err := open(t, encrypt(t, append(bytes.Clone(whole), empty...)))
	require.NoError(t, err)
	b.Destroy()

	for name, data := range map[string][]byte{
		"data after the tar":      zip(t, append(bytes.Clone(plain), "hidden"...)),
		"data in a second member": append(bytes.Clone(whole), zip(t, []byte("hidden"))...),
		"zeros in a second one":   append(bytes.Clone(whole), zip(t, make([]byte, 100))...),
		"a second tar":            append(bytes.Clone(whole), whole...),
		"data after the gzip":     append(bytes.Clone(whole), "hidden"...),
		"a zero after the gzip":   append(bytes.Clone(whole), 0),
		"gzip cut short":          whole[:len(whole)-1],
		"gzip without its tail":   whole[:len(whole)-8],
		"tar cut short":           zip(t, plain[:700]),
		"no gzip":                 plain,
		"nothing":                 {},
	} {
		b, err := open(t, encrypt(t, data))
		require.Error(t, err, name)
		require.Nil(t, b, name)
	}
}

// A bundle that unpacks to far more than it has any right to is refused, without
// being unpacked to the end. Breaks G28.
func TestGzipBombsAreRefused(t *testing.T) {
	var bomb bytes.Buffer
	z, err := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	require.NoError(t, err)
	_, err = z.Write(makeTar(t, list(t, nil, listedFile("a", "x")), regular("a", "x")))
	require.NoError(t, err)
	zeros := make([]byte, 1<<20)
	for range 2 * MaxBundle >> 20 {
		_, err := z.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	start := time.Now()
	_, err = open(t, encrypt(t, bomb.Bytes()))
	require.Error(t, err)
	require.Less(t, time.Since(start), 20*time.Second)

	// Inside an entry: contents.json itself.
	_, err = open(t, encrypt(t, zip(t, makeTar(t, regular(format.ContentsName, strings.Repeat("\x00", 8<<20))))))
	require.ErrorContains(t, err, "more than")
}

// A hole takes no room in a tar file and all of its size in memory: sparse files are refused, and so is
// a list of more than a bundle has. Breaks G28.
func TestHolesInABundleAreRefused(t *testing.T) {
	const size = 1 << 20
	record := func(key, value string) string {
		body := " " + key + "=" + value + "\n"
		n := len(body) + 2
		return strconv.Itoa(n) + body
	}
	raw := func(kind byte, name, data string) []byte { // a ustar entry (POSIX.1-1988), which archive/tar writes none of
		head := make([]byte, 512)
		copy(head, name)
		copy(head[100:], "0000400\x000000000\x000000000\x00")
		copy(head[124:], fmt.Sprintf("%011o\x0000000000000\x00        ", len(data)))
		head[156] = kind
		copy(head[257:], "ustar\x0000")
		sum := 0
		for _, c := range head {
			sum += int(c)
		}
		copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
		return slices.Concat(head, []byte(data), make([]byte, -len(data)&511))
	}
	hole := listedFile("hole", strings.Repeat("\x00", size))
	whole := makeTar(t, list(t, nil, hole))
	sparse := record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") +
		record("GNU.sparse.name", "hole") + record("GNU.sparse.realsize", strconv.Itoa(size))
	bundle := slices.Concat(whole[:len(whole)-1024], raw('x', "pax", sparse), raw('0', "hole", fmt.Sprintf("1\n%d\n0\n", size)+strings.Repeat("\x00", 501)), make([]byte, 1024))
	h := tar.NewReader(bytes.NewReader(bundle))
	_, err := h.Next()
	require.NoError(t, err)
	found, err := h.Next()
	require.NoError(t, err)
	require.EqualValues(t, size, found.Size, "archive/tar takes it for what it says")
	_, err = open(t, encrypt(t, zip(t, bundle)))
	require.ErrorContains(t, err, `"hole" is a sparse file`)

	var many []format.ContentsFile
	for i := range 3 {
		f := listedFile(fmt.Sprint(i), "")
		f.Size = MaxBundle / 2
		many = append(many, f)
	}
	_, err = open(t, encrypt(t, zip(t, makeTar(t, list(t, nil, many...)))))
	require.ErrorContains(t, err, "more than a bundle has")
}

// Only a bundle for the one recipient is opened: an age file with a second stanza
// would be readable by somebody else.
func TestBundleForOtherRecipientsIsRefused(t *testing.T) {
	plain := zip(t, makeTar(t, list(t, nil)))
	seed := bytes.Repeat([]byte{8}, 32)
	text, err := recipientOf(seed)
	require.NoError(t, err)
	stranger, err := age.ParseHybridRecipient(text)
	require.NoError(t, err)
	text, err = recipientOf(testSeed)
	require.NoError(t, err)
	own, err := age.ParseHybridRecipient(text)
	require.NoError(t, err)
	classic, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	password, err := age.NewScryptRecipient("x")
	require.NoError(t, err)
	password.SetWorkFactor(2)
	for name, recipients := range map[string][]age.Recipient{
		"another key":    {stranger},
		"two keys":       {own, stranger},
		"a classic key":  {classic.Recipient()},
		"a passphrase":   {password},
		"the same twice": {own, own},
	} {
		_, err := open(t, encrypt(t, plain, recipients...))
		require.Error(t, err, name)
	}
	b, err := open(t, encrypt(t, plain, own))
	require.NoError(t, err)
	b.Destroy()
	_, err = open(t, []byte("age-encryption.org/v1\n"))
	require.Error(t, err)
}

// Every byte of the encrypted file is covered.
func TestNoByteOfABundleCanBeChanged(t *testing.T) {
	data := encrypt(t, zip(t, makeTar(t, list(t, nil, listedFile("a", "x")), regular("a", "x"))))
	for i := range data {
		data[i] ^= 1
		b, err := open(t, data)
		require.Error(t, err, "byte %d", i)
		require.Nil(t, b)
		data[i] ^= 1
	}
}

// FuzzReadTar feeds the tar reader what comes out of a decrypted bundle: it never
// panics, and what it accepts is exactly what contents.json lists.
func FuzzReadTar(f *testing.F) {
	f.Add(makeTar(f, list(f, nil, listedFile("a", "x")), regular("a", "x")))
	f.Add(makeTar(f, list(f, nil)))
	f.Add(makeTar(f, list(f, replace(`"hot"`, `"cold"`), listedFile("a", "x")), regular("a", "x"), regular(format.SignerKeyName, "k")))
	f.Add(makeTar(f, list(f, nil, listedFile("a", "")), other(tar.TypeSymlink, "a", "/etc/passwd")))
	f.Add(makeTar(f, list(f, nil, listedFile(strings.Repeat("long/", 60)+"name", "x")), regular(strings.Repeat("long/", 60)+"name", "x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Guarded memory for megabytes that are not there takes a second each.
		if h, err := tar.NewReader(bytes.NewReader(data)).Next(); err == nil && h.Size > int64(len(data)) {
			return
		}
		b := &Bundle{}
		defer b.Destroy()
		if err := b.readTar(tar.NewReader(bytes.NewReader(data))); err != nil {
			return
		}
		require.Len(t, b.Data, len(b.Contents.Files))
		for i, file := range b.Contents.Files {
			require.NoError(t, format.CheckName(file.Name))
			require.Equal(t, file.Size, int64(b.Data[i].Len()))
			sum := sha256.Sum256(b.Data[i].Bytes())
			require.Equal(t, file.SHA256, hex.EncodeToString(sum[:]))
		}
		require.Equal(t, b.Contents.Compartment == "cold", b.Signer != nil)
	})
}

// A file cannot ask for any amount of memory to try its passphrase. Breaks G28.
func TestTheWorkOfASignerFileIsLimited(t *testing.T) {
	passphrase, err := secret.Move([]byte("correct horse"))
	require.NoError(t, err)
	defer passphrase.Destroy()
	file, err := lockSigner(passphrase, passphrase)
	require.NoError(t, err)
	factor := fmt.Sprintf(" %d\n", scryptWorkFactor)
	require.Equal(t, 1, bytes.Count(file, []byte(factor)))
	_, err = unlockSigner(bytes.Replace(file, []byte(factor), []byte(" 22\n"), 1), passphrase, format.Vault{})
	require.ErrorContains(t, err, "signer.age: scrypt work factor too large: 22")
}

// What unpacks to more than a bundle may have could be sealed and never be opened, however well
// it compresses. It is refused when it is sealed.
func TestMaterialThatNobodyCouldOpenIsNotSealed(t *testing.T) {
	recipient, err := recipientOf(testSeed)
	require.NoError(t, err)
	zeros, err := secret.New(MaxFile)
	require.NoError(t, err)
	defer zeros.Destroy()
	sum := sha256.Sum256(zeros.Bytes())
	contents := format.Contents{Vault: testVaultID, Generation: 1, Compartment: "hot", Created: testTime}
	var data []*secret.Buffer
	for i := range MaxBundle / MaxFile { // exactly a bundle, and the heads of the entries besides
		contents.Files = append(contents.Files, format.ContentsFile{Name: fmt.Sprint(i), Role: "file", Network: "generic", Mode: "0400",
			Size: MaxFile, SHA256: hex.EncodeToString(sum[:]), Modified: testTime})
		data = append(data, zeros)
	}
	_, err = sealBundle(recipient, contents, data, nil)
	require.EqualError(t, err, "the material of compartment hot is larger than 64 MiB")
	contents.Files, data = contents.Files[1:], data[1:]
	sealed, err := sealBundle(recipient, contents, data, nil)
	require.NoError(t, err)
	b, err := open(t, sealed)
	require.NoError(t, err)
	b.Destroy()
}
