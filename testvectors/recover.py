#!/usr/bin/env python3
"""Recover a coldvault backup without coldvault: from cards and printed pages.

You need Python 3.8 or newer, this one file, and nothing else. It does two things.

  identity   turns the shares on enough cards into the age identity that opens the files cold.age or hot.age.
             Each card has one share for each compartment, as a QR code and as 44 words.
  pages      turns the QR codes of printed pages into a tar archive that holds those age files.

Both read text files in which every line may be a code. Make one with a keyboard-wedge scanner, by typing, or from
scanned images with   zbarimg --raw card-*.png page-*.png > codes.txt
The order does not matter, and what is of no use (codes of other kinds, the same code again, other text) is named on
stderr and left out. Instead of a code a share may be given as its words, on one line or on several, with or without
numbers; an empty line ends them. A line that starts with # is a comment.

A whole recovery, with the tools age (https://age-encryption.org) and tar:

    python3 recover.py pages --out payload.tar.gz codes.txt        # only if there is no medium with the age files
    tar xzf payload.tar.gz
    python3 recover.py identity --compartment cold codes.txt > /dev/shm/identity
    age -d -i /dev/shm/identity coldvault/*/generations/000001/cold.age | tar xz
    shred -u /dev/shm/identity

Pages carry one generation; of those on a medium the one with the highest number that has a manifest.json is the newest.

The identity opens everything in its compartment. Work on a computer without a network, keep the identity off disks,
and switch the computer off afterwards: Python cannot wipe its memory. The identity is printed on stdout and nowhere
else. What it opens is authenticated by the vault's minisign signatures, which this program does not check:
minisign -V -P <key in vault.json> -m manifest.json

Exit codes: 0 done; 1 failed; 2 wrong usage; 4 more shares are needed.

The formats are described in FORMAT.md, whose sections are cited below.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import zlib

EXIT_FAILED, EXIT_MORE = 1, 4
MAX_INPUT = 64 << 20
SHARE_SIZE, SEED_SIZE = 51, 32
KIND_SHARE, KIND_FRAME = 0x11, 0x21
COMPARTMENTS = {"cold": 1, "hot": 2}


class Failure(Exception):
    """An error to show to the operator, with the exit code."""

    def __init__(self, message, code=EXIT_FAILED):
        super().__init__(message)
        self.code = code


def note(message):
    print("recover.py: " + message, file=sys.stderr)


# ---------------------------------------------------------------------------------------------------------------------
# Digits, FORMAT.md section 7: 7 bytes are 17 digits, a last group of 1 to 6 bytes is shorter.

DIGITS_OF = {7: 17, 6: 15, 5: 13, 4: 10, 3: 8, 2: 5, 1: 3}
BYTES_OF = {digits: size for size, digits in DIGITS_OF.items()}


def decode_digits(text):
    out = bytearray()
    for start in range(0, len(text), 17):
        group = text[start:start + 17]
        size = BYTES_OF.get(len(group))
        if size is None:
            raise Failure("no code has %d digits" % len(text))
        value = int(group)
        if value >> (8 * size):
            raise Failure("digits %d to %d do not fit: one of them is wrong" % (start + 1, start + len(group)))
        out += value.to_bytes(size, "big")
    return bytes(out)


def encode_digits(data):
    groups = (data[i:i + 7] for i in range(0, len(data), 7))
    return "".join(str(int.from_bytes(g, "big")).zfill(DIGITS_OF[len(g)]) for g in groups)


# ---------------------------------------------------------------------------------------------------------------------
# Shares, FORMAT.md section 5.


class Share:
    def __init__(self, raw):
        if len(raw) != SHARE_SIZE:
            raise Failure("a share has %d bytes, this one %d" % (SHARE_SIZE, len(raw)))
        if hashlib.sha256(b"coldvault/share-checksum/1" + raw[:47]).digest()[:4] != raw[47:]:
            raise Failure("the share's checksum does not fit: it was misread or altered")
        self.raw = raw
        self.vault, self.set = raw[1:6], raw[7:11]
        self.compartment, self.k, self.n, self.index, self.x = raw[6], raw[11], raw[12], raw[13], raw[14]
        self.y = raw[15:47]
        possible = self.compartment in COMPARTMENTS.values() and 2 <= self.k <= self.n
        if not (possible and 1 <= self.index <= self.n and self.x != 0):
            raise Failure("the share has an impossible field: it is forged")
        self.commitment = hashlib.sha256(b"coldvault/share-commitment/1" + raw[:47]).hexdigest()

    @property
    def split(self):
        """What all the shares of one split have in common."""
        return self.raw[:13]

    @property
    def split_name(self):
        name = {number: name for name, number in COMPARTMENTS.items()}[self.compartment]
        return "%s of vault %s, set %s" % (name, base32(self.vault), self.set.hex())

    def __str__(self):
        return "share %d of %d (%s)" % (self.index, self.n, self.split_name)


def base32(data):
    return base64.b32encode(data).decode().lower().rstrip("=")


# GF(2^8) with the reduction polynomial 0x11B for shares and 0x11D for frames: tables of logarithms.


def make_field(polynomial, generator):
    exp, log, value = [0] * 510, [0] * 256, 1
    for i in range(255):
        exp[i] = exp[i + 255] = value
        log[value] = i
        product, factor, bits = 0, value, generator
        while bits:
            if bits & 1:
                product ^= factor
            factor <<= 1
            if factor & 0x100:
                factor ^= polynomial
            bits >>= 1
        value = product

    def multiply(a, b):
        return exp[log[a] + log[b]] if a and b else 0

    def invert(a):
        return exp[255 - log[a]]

    return multiply, invert


mul_share, inv_share = make_field(0x11B, 3)
mul_frame, inv_frame = make_field(0x11D, 2)


def interpolate(shares, at):
    """The value at x = at of the polynomials, one a byte, through the shares (Lagrange)."""
    out = bytearray(SEED_SIZE)
    for s in shares:
        weight = 1
        for other in shares:
            if other is not s:
                weight = mul_share(weight, mul_share(at ^ other.x, inv_share(s.x ^ other.x)))
        for i, y in enumerate(s.y):
            out[i] ^= mul_share(weight, y)
    return bytes(out)


def combine(shares):
    """The seed from at least k shares of one split; every share beyond k must agree with the first k."""
    quorum, further = shares[:shares[0].k], shares[shares[0].k:]
    for s in further:
        if interpolate(quorum, s.x) != s.y:
            raise Failure("%s does not agree with shares %s: one of them is forged; --shares tells which"
                          % (s, ", ".join(str(q.index) for q in quorum)))
    return interpolate(quorum, 0)


# Bech32 (BIP-173, without its limit of 90 characters), as age writes its keys.

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32_polymod(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, constant in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> i & 1:
                check ^= constant
    return check


def bech32_encode(prefix, data):
    bits = "".join("{:08b}".format(b) for b in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[i:i + 5], 2) for i in range(0, len(bits), 5)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = bech32_polymod(expanded + values + [0] * 6) ^ 1
    values += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(BECH32[v] for v in values)


def age_identity(seed):
    return bech32_encode("age-secret-key-pq-", seed).upper()


# ---------------------------------------------------------------------------------------------------------------------
# Words, FORMAT.md section 5. The list is the English one of BIP-39, front-coded: each word as the number of letters it
# shares with the word before, and the rest.

WORD_COUNT, DATA_WORDS = 44, 38
WORDS_SHA256 = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"  # of the words, each with a newline
WORDS_PACKED = """
c-lRgjdrX!4uoH+v7g9*0Z$v7F{V4@>Gvy<*>iR?xt+#8QmLvWUSSMnuEnLC`t5Rb_3Hi;-5E>wwT-^FFm->m*<EKGrYWAMPqY2?;s+nPEk&M4
GtZtqP43?-wdh(sPuG2_g>`(>b63d29FFd0pIB6%xqo=Z?WwyfclQZpiu^4OvDGn6!?J|bcz$**q<L6FDlYocU5jzpVwi`tyXKGDx;t|ma%j67
uiZ^`tJy_9PO-S`<L&F$?Ul`HiSF0}ON9A$XLUU`_YL<s?4if2`QKDlzO{NTs9VoN3Hj#9Y2zlW*WDVM&(XKrr9EW#CUAv#aCq+MYTsD${PLs6
Qi4zaUeW!eNQm#@2%M_sy58=H;aR5=z?SmRrp+saG58YP%2T_KvjTV%-J&p*HTrlG*iY1zx{r%8l=$dd+j}_QEISd7Ktz3f{&MZn^=%JB-*W6^
d3QZbZyyV(=-12<SY)`SPQKhsI#%U{n|9r~vOpO=v4xdqr!ZGAFnq(C=ORaoXJv!sA`;)w=HVxuuQ7}_5sO*RvnEfjE?a`9T5g}+KGy0=AU=gi
H6Qcsm0{M*01zDbcjN?}#Ku5miob~96v&C!hH-IA1!^m(*aGoLL?{c5M8<P`o{0;W;VR(x_GH?BBY?PT0Xow?k+|8t$=>{zk~aIkv1e?6i3kyz
9mH`E&nhvzJ)qS-wa)xncPoL5K=^YTYS8lzTqWJl6##L%`qr~;W_O@Pw!cob(aC}^<9<K|@z);QzGz+5Ao%q0m&(#Hl=a20TlcI$j_WkloCpvP
{3;w?p!44XVz=QMN8M~DphS==%9RrloYB7l9HE(k-CJR&mc8K2390O&I=$`w?&kl$zpp8bBYD@+Saa%Jh+Go0oc->0K;aKpe8_%^*|TL)$w&VQ
tVHIIz*#^UU+Aje=10CT`?dOm8#mITY;SB(J-N0L>a15+uLQ1DUt#M@x96LN(GQq_w5Ze^DZ^b=S<dV9{o<e0_Ositi9qt(?}wO3#Zymz2ndbe
wHk3gylR1eEWWWBp&;hOg^1_b?<G=wuo91o*9rxCP1HQF@U0AK4b4&JJI885R8PM=e7g@7okQCF;agg6|5d33@ckye&GITDT^7HOo>hrs<+Ig}
wfSqdbdH>zBXQzB31P%UTvW>i(5Sj40+H-txlG-QD=1dLM=m`#f*Msx9L^u1+!O_@=x0jZFRAT*HEJ$;^h|<iZ#DZ*5-<U7cE=G#KaGfTV~TTn
3aWG6OI6tk*&!C=*k@8|z)tPaFzp4jrTd*NsF0@wv;S2jb`R6|`1W6mcUPsIhY?^sR0LZ7i}FlKn`fwuY80AO+2`hzDm3L90V8>b*TGhhS|qfH
qY_=Az!Ys00913FOojiN!|Zk;`%q9+1Uv_zSXfY#D!>#_Pj(~9Kn_pH2SSMZs8Z&)tRUBBe~kfj@X!*A$g7AL2`)#2d6I&%2hlCxD!NY>F{1&<
f$?xX35L=R$F-yrPc4n?rUb5q!aam#(nEa)GOk2?;Mc<&Hn~;`Ya^;z*`B3N<Pcc1mtfK$N>yQbq<-H6sO2IRso?5DfMi2whN3yJ*Oe&DJ&}uQ
{B`IuT`aCNcMC#o{OkAk9_rK$eWsA2hhqZ{yNbRjL~p5ZbNo+~DTew8B%os@HGA-~4}d|)5X<rh7NN)vC9ob2VZRZn_d~6J*#e57;YN<yGTfA5
nqDzH3hf%2QpD(I;y2<wAmR_z!&Cb`NSEY3CJu<*pjw7?rKC4WpG07Ut+}})JdM+>p$Mn^z(er!6Sy-g$TAK47^v+E2LgS8L2_wyb>u1sqVl@2
6T<K$AC#koR>;|T3ISRyoa@85m@A9*Kjb_onHP}By}5ABh@>#Dio$Ry-G+uZ9O<lc9R7t!eL9FRgyQ&w>J&wB-s|YYIfa8$lh3Fvx&pvjcpV(w
bPgZcJb;CtLFY56`jOGt52=8Ty_px`>ORXsNC)F|sT3xGd_$)J$VhY(*FA-<s@gtO211)oomHOj>f;8x3ZaGJj($WYUrQLdtdp<GfEKz-D(Ow&
Vhi{}X{FW?ph>_ysh$0)b<+?pQA{#Y<}YjGxKy-}#n`UUv?$butDI#?f}9-D0Er*T(6kwyeFrMBxyK$wgml#c+-eu0fo_D)8--BcBuIadpiVjg
2a&A0AH-laj)Mk0XK`X~i5k2gx-_WDpOBt38@<8ySXl|K`~*^z0b`ZJ03+rCk#~rpUoslIm-)h4zzsT;{NfMUUlo4YC0r=cW8tJQ7lCv2`ULA(
JetMEm_XbYN=YCKAeI^6uCF!BvJ#YX4nMfJM|9oc<O#hQ1UZQ;sZsqSvSd@?hfJXdqFxkepNyCvp%=hUEkA5HbLfi)7r0|p7L1PryhUC<vi2N#
GQ%lukS{v~>(R^)5`^pfV#J6Ug*7YS<VhyYtaT3VJYd2z9m;5d+X>C+Co?uG=V-P|+z39X3HFcy0JJFP?XN@27viHJ$G<aV2@C)j?)|j|!+LXh
ar<tTO4yiDP=Yy<TV<7Vin2I_`@Y?;?6QnrhWX*s&n>6C)zyFj%q!s(KvcIw;$FqAg1@{u!B_n7M?)Ruwjo%dge%RIwZKA(%)M|3!hm{n3IcK-
j~^pN*+Kq91QnI9L!-Rdsp{m7-eWa`)@EyWBoOKthnu>bUr8RJ471vmj>DlMhP7bH2kJAf(i#FaNMxZ%2u41QTEEnSiA=2Uks8Vy`jo00m0<4w
^mL9tsGG#2N?K05hFiqDIhohlp_wd=ROCCd>i&t=uYykPXZkh?kOy{2ohdC}kTaSd@j668#3HL9BJE98Ro%y0ENv^|!}AR%y^ERzt$JRf%6*`Q
@7F)(++hT8Aj2%fAoo!KV7}cqX0oHg!7^V>*+9cgc8K0iW>?u`ZucgauQ#L`TCD?Zib`nOu7d~gN2rA!rgGOA7h~Nu{S_{iY6s70DB_bPnu+|r
GUx{IByyh3!M*>syOfTjqo>j*laC_DL+2q43GRzzo>0Nl0muPq0lcvpsmaJwWh#D!NnA1=lKs`;05UDl@lcUySXF>BQQpnLqFw4}-UKM%mcW#t
uG5W#+!dOeqEyX~%`}_v6iO8bxY6oL)cVHJOypRNqx^xky503~8xP$whtnG$COvhsZE$rXZ0-k$3^(F(zIH6Nm}u5&#JH>SWvKrlb~=_?d>R~4
oRCQ4A|bUtMPk@Y%{NaQYPL^Kwk2(N()bw_%b|c#sR4ibvCn?ej-L@R(oa7j7ZmB4gF1{^Tp3)Jo9K3QQc3!|ZH)k^w<BKCeOTqxeyZuM&f*D~
<cC7=@KUW^k-~nmsr3lJ7?Wbd2l+9zJ=6i${n5n1NV$$lU8IaRwY_`mv64KVoZQorY)aN&Z(w$e#Pw?4>2LNU(v--bN{LUAjBMCZDT#WygBm$?
j>y3_kiV;4A@Q0P-I&+KTUPt_DnYhbs`FMKX?-+w{Y0cGkig>YB8d!L^AR;f(1Jwh*y7hUxoVcSNr}6<gx};HaYlaRySC1?xwRb3o>WnFR*rYk
<tF3W&AlOQ>gAIe;fz7JxC8qe#^mSvtA_V5Qn6wr+?(()DaBF8uvYk^Hf5OjRDGfAh*=xv+AyMC@sll!G?;mKhkHQIbpM-Hb{ck+T1JJFk^t*N
?%{w9T7YZJa;jTZYz7+|If)b4qAZ_5glZ5sD>KlAU7;E14X1qWHkkXp`Yhg+@xPw_aF8w1HUpM{Z~WXVC%grQ;kTCf60bYqPii7Dl!@4ZUa$^s
@=rQU+|^4J8JJel(c3tUO4)44=GBMFkZJ~J)huJ7Nf1!uGzgje0z$wgG=G3tCTvnwO&+$vB9<po-gpR;L6iVzld{|=4~mpZb(5NJqqQgu_^6OV
oquE$?Z8sn#}WSihQY2?Y$~K@Z3?DtNyL6x6Hm;C8Zn6Stc0O?8*Qox5oCgWWhsVPN?JdG_)LOUmlv-O>eXbSA<7s5){suUp1>JrDd3{i1bHIs
b-Qd((fA_T<cb`78{}eZ6a=*^5vS*b@!gw^pD(_=5G3mzO+NQ3<y-JXV(U`_fNrundvyg^g)D}eZTv!;XI|Wj5(#$){!@+zu&EJd1wqkl2VR)y
;Sz54!a%4+(HBam_?uV}-Bmy|8|nU+h9SPNX@=dYR*4-#7{o0$^w6qOSqU4+K^VQn4ehYb$o%I=>gawcD@}Z1cA;SejF(1YfB^CmTcks_hwRu?
kf^xjZ=&)H`BtT<k#bAiQ`O<;X_6C8@wQg?zv+NF`j4`$)M*+?XQp9TQd^CG5q>nbex~IxgUuCW1!O=j8T_M~S)y_2*5K*6OZ8Bm378ZDR<n`o
cK2<kOVMym{nAF2D-=sMQp4*wO||hsDv$GR{EFCT;Yzv+FOF3M{qD@q?ACY!f_GB=o==DP=M#X#Bd(+9Znn`bcclTbLDB1EL6ac)<Rx17!bciH
X$WKLgU8cR@DDwm3tb#tn-dmI%2e;eByU%&T`+8@AC9}cU>0rZyC==FtIei+IJ_1PFXxmFHW^8{*GOH+w~^Uw`TG+Lv--14gmo;I>nzfjp-*O%
<*X+44^gdw`a)}=yLB&WBs5@@dfTXi|B6CpO)Xkl7S4zpU)28D2&0)Z)2K!hLE%W?u+jg1_-l37qIBW*Mw@KP^ReFgWKeo(WSMVUYfs{o<7rs&
KMi=9Ga|EHLuIVRTfaqdR<cnFyV3}2DmjwV7!NOe{zn(uWv3?$O3~K_$-AnfSqE=pfZDgAXsq|v*i3h<U*L04odUgivN^~d>Tq+iIT?vj#7(>P
_QhVWxMuCdl?5llF=^&G9N}s4WaTye)WH3j{#jH33l$yz4lEy{J0+<A1tvl`?RA5qD=^$%y_I5lYaAl+jlYywYxvPe$maz0ptmwp?bNJQDCz%E
`dg}H6Wmyhm2`^L61m$u3AG4M`{^_XT-j1{e8ozykgS)z=Ks%mmESA|{pUYzQq4T?)i!7S-7~5qe5*P|E~aMET5=HCC7om)6HO&((y#;@UizaY
>!xV?In1qgcY4O3!#5Z>xf}N&@6w`f^R->C6NC?lj~;g9E{A5M4Riyh{bfONns)yUAq<1kMKzQf31D&oS?{%CX`dH0yEUj@eOgJUGO^2d;ju6n
Z;jmbPDOt9d4D7)b=qvp-t7JNZtK!moHP$M9X6UF5c$sygQMG8VD%XnC&=pkMPmV}aO!}eAXtN^%yT5Y_;^Q6B$3x@{*m;pFt0h~Y7S4+RI4fx
N71XUUZuD4CPB@z#&DusxuWv-=0??nrJcMw2+b2t6XvJg&;D<uAovQ)W7Mo?)wF2W?C02SZ{yI*=z-kshdB$K=eF^-`2%P0vG--!HF@x&Im$qb
`O#a^+v=i-%Ik0+vKw&mwdQ-+M-ZRG-{_I!lT&s1AER$d#yxLZ5yUNMUXd2b-oL~~?}KG%-=$KJ8RSFQ1mZLSiI~$vZIN5$=iH_x<UaKVH1?s5
xHFuPk-CO#3l*=ar<1?$_TKsR36rpL(GO`<m(_noE2(1hw4=6Xq%RbqheO<wM4D^sRTd>L^X4!0V(L|%{!D(7KtYMP+GIE$n=IpGZwE9t;qKKT
p@fFx(Whu8mepKH9`)|-4C=A$m6WcVXhI3<LqINb?E1W1l^(9~^;MTB|ME0mGOC)?v?bU~kV`amYloGLd6VZ215NWG+VVE77h1<Ze-+=>VmIxk
m!9fh1{-?x2USMvAmlKkHfX2;Y!F?|3kjg)36vuo#e7_|sgazLTtc@AP1VRsHd<;>^&I$q>*be7dIRGJ)>yAGtu+!m>J9npe#Tc#gDQ03GB(*>
zmY&|U?sM%{{wrH+|&
"""


def load_words():
    words, last = [], ""
    try:
        packed = zlib.decompress(base64.b85decode(WORDS_PACKED.replace("\n", ""))).decode()
    except (ValueError, zlib.error):
        packed = ""
    for shared, rest in re.findall(r"(\d)([a-z]+)", packed):
        last = last[:int(shared)] + rest
        words.append(last)
    if hashlib.sha256("".join(w + "\n" for w in words).encode()).hexdigest() != WORDS_SHA256:
        raise Failure("this copy of recover.py is damaged: its word list is not the right one")
    return words


class WordList:
    def __init__(self):
        self.number = {}
        for i, word in enumerate(load_words()):
            # A word may be cut down to its first four letters, which are like those of no other.
            for length in range(4, len(word)):
                self.number[word[:length]] = i
            self.number[word] = i

    def get(self, word):
        return self.number.get(word.lower())


def words_to_share(symbols):
    """The share from 44 numbers of words: 408 bits, 10 zero bits, and 6 words of Reed-Solomon parity."""

    def times_two(a):
        return a << 1 ^ (0x805 if a & 0x400 else 0)

    for power in range(1, 7):  # the polynomial vanishes at 2^1 ... 2^6: Horner's rule
        value = 0
        for symbol in symbols:
            for _ in range(power):
                value = times_two(value)
            value ^= symbol
        if value:
            raise Failure("the words do not fit together: one is wrong or two are swapped")
    bits = "".join("{:011b}".format(s) for s in symbols[:DATA_WORDS])
    if "1" in bits[SHARE_SIZE * 8:]:
        raise Failure("the words hold more than a share")
    raw = int(bits[:SHARE_SIZE * 8], 2).to_bytes(SHARE_SIZE, "big")
    if raw[0] != KIND_SHARE:
        raise Failure("the words are not those of a share of version 1")
    return Share(raw)


class WordBlock:
    """Collects the words of one share from one or several lines."""

    def __init__(self, words):
        self.words, self.line, self.placed, self.next, self.numbered = words, 0, {}, 1, False

    def add(self, line, tokens):
        self.line = self.line or line
        for number, word in tokens:
            if number:
                self.next, self.numbered = number, True
            if word:
                self.placed[self.next] = self.words.get(word)
                self.next += 1

    def repeats(self, tokens):
        return any(word and number in self.placed for number, word in tokens)

    def full(self):
        return len(self.placed) >= WORD_COUNT

    def share(self):
        if not self.numbered and len(self.placed) != WORD_COUNT:
            raise Failure("%d words, a share has %d" % (len(self.placed), WORD_COUNT))
        if any(not 1 <= number <= WORD_COUNT for number in self.placed):
            raise Failure("words are counted from 1 to %d" % WORD_COUNT)
        missing = [str(i) for i in range(1, WORD_COUNT + 1) if self.placed.get(i) is None]
        if missing:
            raise Failure("missing or not in the word list: word " + ", ".join(missing))
        return words_to_share([self.placed[i] for i in range(1, WORD_COUNT + 1)])


def split_words(line, words):
    """The line's words as pairs (number or 0, word), or None if the line is something else."""
    tokens = []
    for token in line.split():
        match = re.fullmatch(r"(\d{0,4})[.)]?([A-Za-z]*|\?)", token)
        if not match:
            return None
        tokens.append((int(match.group(1) or 0), match.group(2)))
    found = [word for _, word in tokens if word]
    known = sum(words.get(word) is not None for word in found)
    return tokens if 2 * known >= len(found) > 0 else None


# ---------------------------------------------------------------------------------------------------------------------
# Frames, FORMAT.md section 8.


class Frame:
    def __init__(self, raw):
        if len(raw) < 30:
            raise Failure("a page code of %d bytes is too short" % len(raw))
        if zlib.crc32(raw[:-4]) != int.from_bytes(raw[-4:], "big"):
            raise Failure("the page code's checksum does not fit: it was misread or altered")
        self.header = raw[1:18] + raw[19:25] + len(raw).to_bytes(4, "big")  # the same in all frames of a page set
        self.vault, self.generation, self.set = raw[1:6], int.from_bytes(raw[6:10], "big"), raw[10:18]
        self.index, self.data, self.total = raw[18], raw[19], raw[20]
        self.length = int.from_bytes(raw[21:25], "big")
        self.body = raw[25:-4]
        size, parity = len(self.body), self.total - self.data
        if not (self.data >= 1 and 4 * parity >= self.total and self.index < self.total
                and 1 <= self.generation <= 999999
                and (self.data - 1) * size < self.length <= self.data * size):
            raise Failure("the page code has an impossible field: it is forged")

    def __str__(self):
        return "page set %s (vault %s, generation %06d)" % (self.set.hex(), base32(self.vault), self.generation)


def xor(a, b):
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")


def scale(factor, body):
    return body.translate(bytes(mul_frame(factor, b) for b in range(256)))


def rebuild(frames):
    """The payload from any D frames of a page set, given as {index: Frame}."""
    first = next(iter(frames.values()))
    bodies = {i: f.body for i, f in frames.items() if i < first.data}
    lost = [c for c in range(first.data) if c not in bodies]
    parity = sorted(i for i in frames if i >= first.data)
    if len(parity) < len(lost):
        missing = [str(i) for i in range(first.total) if i not in frames]
        raise Failure("%s: %d more codes are needed, any of these (counted from 0): %s"
                      % (first, len(lost) - len(parity), " ".join(missing)))
    # Each parity body r, less what the known bodies add to it, is the sum over the lost bodies c of c / (r XOR c).
    rows = []
    for r in parity[:len(lost)]:
        rest = frames[r].body
        for c, body in bodies.items():
            rest = xor(rest, scale(inv_frame(r ^ c), body))
        rows.append(([inv_frame(r ^ c) for c in lost], rest))
    for i in range(len(lost)):  # Gauss-Jordan; every square part of a Cauchy matrix has an inverse, and so a pivot
        at = next(j for j in range(i, len(rows)) if rows[j][0][i])
        rows[i], rows[at] = rows[at], rows[i]
        factor = inv_frame(rows[i][0][i])
        rows[i] = ([mul_frame(factor, v) for v in rows[i][0]], scale(factor, rows[i][1]))
        for j in range(len(rows)):
            factor = rows[j][0][i]
            if j != i and factor:
                coefficients = [a ^ mul_frame(factor, b) for a, b in zip(rows[j][0], rows[i][0])]
                rows[j] = (coefficients, xor(rows[j][1], scale(factor, rows[i][1])))
    for c, (_, body) in zip(lost, rows):
        bodies[c] = body
    whole = b"".join(bodies[c] for c in range(first.data))
    payload, padding = whole[:first.length], whole[first.length:]
    if hashlib.sha256(payload).digest()[:8] != first.set or any(padding):
        raise Failure("%s: the codes do not give the payload they were made from: one of them is forged" % first)
    return payload


# ---------------------------------------------------------------------------------------------------------------------
# Reading files of codes.


def read_input(path):
    stream = sys.stdin.buffer if path == "-" else open(path, "rb")
    with stream:
        data = stream.read(MAX_INPUT + 1)
    if len(data) > MAX_INPUT:
        raise Failure("%s is larger than %d bytes" % (path, MAX_INPUT))
    return data.decode("utf-8", "replace").lstrip("\ufeff")


def read_codes(paths):
    """All the shares and frames in the files, in order; whatever else there is goes to stderr."""
    shares, frames, words = [], [], WordList()
    for path in paths:
        block = WordBlock(words)

        def keep(line, make):
            try:
                code = make()
                (shares if isinstance(code, Share) else frames).append(code)
            except Failure as problem:
                note("%s line %d: left out: %s" % (path, line, problem))

        def end(block):
            if block.placed:
                keep(block.line, block.share)
            return WordBlock(words)

        for number, line in enumerate(read_input(path).splitlines(), 1):
            line = line.strip()
            if line.startswith("QR-Code:"):
                line = line[len("QR-Code:"):]
            if line.startswith("#"):
                continue
            tokens = split_words(line, words)
            if tokens:
                if block.repeats(tokens):
                    block = end(block)
                block.add(number, tokens)
                if block.full():
                    block = end(block)
                continue
            block = end(block)
            if re.fullmatch(r"[0-9][0-9 \t-]*", line):
                keep(number, lambda: parse_code(decode_digits(re.sub(r"[ \t-]", "", line))))
            elif line:
                note("%s line %d: left out: neither a code nor the words of a share" % (path, number))
        end(block)
    return shares, frames


def parse_code(raw):
    if raw[:1] == bytes([KIND_SHARE]):
        return Share(raw)
    if raw[:1] == bytes([KIND_FRAME]):
        return Frame(raw)
    raise Failure("a code of a kind this program does not know")


# ---------------------------------------------------------------------------------------------------------------------
# Commands.


def check_commitments(shares, path):
    """Leaves out the shares that shares.json contradicts."""
    try:
        document = json.loads(read_input(path))
        if document["format"] != "coldvault.shares/1":
            raise Failure("%s is not a shares.json of version 1" % path)
        sets = {entry["set"]: entry for entry in document["sets"]}
        names = {number: name for name, number in COMPARTMENTS.items()}
        good = []
        for s in shares:
            entry = sets.get(s.set.hex())
            if base32(s.vault) != document["vault"]:
                note("left out: %s: it is of another vault than %s" % (s, path))
            elif entry is None:
                note("left out: %s: %s does not list this set; without --shares it would be used" % (s, path))
            elif (entry["compartment"] != names[s.compartment] or entry["threshold"] != s.k or entry["shares"] != s.n
                  or len(entry["commitments"]) != s.n or entry["commitments"][s.index - 1] != s.commitment):
                note("left out: %s: it does not match its commitment: forged or altered" % s)
            else:
                good.append(s)
        return good
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Failure("%s is not a shares.json" % path)


def group_shares(shares):
    """The shares by split, without repetitions and without those that contradict each other."""
    groups = {}
    for s in shares:
        groups.setdefault(s.split, {})
        if s.raw in groups[s.split]:
            note("left out: %s: it was there before" % s)
        groups[s.split][s.raw] = s
    out = []
    for members in groups.values():
        good = []
        for s in members.values():
            if any(o is not s and (o.index == s.index or o.x == s.x) for o in members.values()):
                note("left out: %s: another one is in its place, and one of them is forged" % s)
            else:
                good.append(s)
        out.append((next(iter(members.values())), good))
    return out


def cmd_identity(args):
    shares, _ = read_codes(args.codes)
    wanted = [s for s in shares if s.compartment == COMPARTMENTS[args.compartment]]
    if args.shares:
        wanted = check_commitments(wanted, args.shares)
    if args.set:
        wanted = [s for s in wanted if s.set.hex() == args.set.lower()]
    groups = group_shares(wanted)
    complete = [good for first, good in groups if len(good) >= first.k]
    if not complete:
        lines = ["%s: %d of the %d shares needed are there: %d more"
                 % (first.split_name, len(good), first.k, first.k - len(good)) for first, good in groups]
        raise Failure("; ".join(lines) or "there is no share of %s at all" % args.compartment, EXIT_MORE)
    if len(complete) > 1:
        raise Failure("several sets are complete, choose one with --set: "
                      + "; ".join(good[0].split_name for good in complete))
    chosen = complete[0]
    seed = combine(chosen)
    note("%s, from shares %s" % (chosen[0].split_name, ", ".join(str(s.index) for s in chosen)))
    print(age_identity(seed))


def cmd_pages(args):
    _, frames = read_codes(args.codes)
    sets = {}
    for f in frames:
        if args.set and f.set.hex() != args.set.lower():
            continue
        page_set = sets.setdefault(f.header, {})
        if page_set.setdefault(f.index, f).body != f.body:
            raise Failure("%s: code %d is there twice with different content: one of them is forged" % (f, f.index))
    if not sets:
        raise Failure("there are no page codes")
    if len(sets) > 1:
        raise Failure("codes of several page sets, choose one with --set: "
                      + "; ".join(str(next(iter(s.values()))) for s in sets.values()))
    page_set = next(iter(sets.values()))
    first = next(iter(page_set.values()))
    note("%s: %d of %d codes, %d needed" % (first, len(page_set), first.total, first.data))
    payload = rebuild(page_set)
    write_new(args.out, payload)
    note("wrote %s, %d bytes: unpack it with tar xzf" % (args.out, len(payload)))


def write_new(path, data):
    """Writes a file that must not exist, and leaves nothing behind if that fails."""
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(out, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
    except OSError:
        os.unlink(path)
        raise


# Known answers: the shares of a split of the bytes 1 ... 32, two of three, and a page set of the same bytes.
SELFTEST_SHARES = """
0478618275623859302844626583159553129916024034181353577876007932503535091179092150455529118033375691255015558371850622017349
0478618275623859302844626583159554003957923892235301702090028029529403690976991014212176858882732394891572936543404259834575
baby amount liar amount exotic lunar hole marble acoustic blossom sick bus penalty gauge now tenant quarter taste slide rug real tip prepare acid attack useless hint you divide bitter return agent night hedgehog degree sting toast length gather divide future harsh permit live
"""
SELFTEST_IDENTITY = "AGE-SECRET-KEY-PQ-1QYPQXPQ9QCRSSZG2PVXQ6RS0ZQG3YYC5Z5TPWXQERGD3C8G7RUSQJ0Q9H3"
SELFTEST_FRAMES = """
092897823836090880000000721639326269001476621468678000000005369369630113142335275260912650249
092897823836090880000000721639326269001476621534214000000005375291000367463255409100902136533
092897823836090880000000721639326269001476621599750000000005381212370621784175542966708393210
092897823836090880000000721639326269001476621665286000000005387133740876090865011936700385421
092897823836090880000000721639326269001476621730822000000005408407513284959385873564704400053
092897823836090880000000721639326269001476621796358000000005436003732057616280239959814333534
"""


def cmd_selftest(_):
    seed = bytes(range(1, 33))
    words = WordList()
    shares = []
    for line in SELFTEST_SHARES.split("\n"):
        tokens = split_words(line, words)
        if tokens:
            block = WordBlock(words)
            block.add(1, tokens)
            shares.append(block.share())
        elif line:
            shares.append(parse_code(decode_digits(line)))
            check(encode_digits(shares[-1].raw) == line, "digits")
    check(len(shares) == 3, "shares")
    for pair in (shares, shares[:2], shares[1:], shares[::2]):
        check(combine(pair) == seed, "combining")
    check(age_identity(seed) == SELFTEST_IDENTITY, "identity")
    frames = {f.index: f for f in map(parse_code, map(decode_digits, SELFTEST_FRAMES.split()))}
    check(len(frames) == 6, "frames")
    for a in frames:
        for b in range(a):
            check(rebuild({i: f for i, f in frames.items() if i not in (a, b)}) == seed, "rebuilding")
    note("all known answers are right")


def check(ok, what):
    if not ok:
        raise Failure("self-test failed: " + what)


def main():
    parser = argparse.ArgumentParser(prog="recover.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    identity = commands.add_parser("identity", help="print a compartment's age identity, from enough shares")
    identity.add_argument("--compartment", required=True, choices=sorted(COMPARTMENTS))
    identity.add_argument("--shares", metavar="shares.json", help="check the shares against this file's commitments")
    identity.add_argument("--set", metavar="ID", help="use this share set only (eight hex digits)")
    identity.add_argument("codes", metavar="CODES.txt", nargs="+", help="text with the shares; - is standard input")
    identity.set_defaults(run=cmd_identity)

    pages = commands.add_parser("pages", help="rebuild the tar archive that printed pages carry")
    pages.add_argument("--out", required=True, metavar="payload.tar.gz", help="file to write; it must not exist")
    pages.add_argument("--set", metavar="ID", help="use this page set only (sixteen hex digits)")
    pages.add_argument("codes", metavar="CODES.txt", nargs="+", help="text with the codes; - is standard input")
    pages.set_defaults(run=cmd_pages)

    commands.add_parser("selftest", help="check this program against known answers").set_defaults(run=cmd_selftest)

    args = parser.parse_args()
    try:
        args.run(args)
        sys.stdout.flush()
    except Failure as problem:
        note("error: %s" % problem)
        return problem.code
    except OSError as problem:
        note("error: %s" % problem)
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
