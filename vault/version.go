package vault

// Version of the program, that of the CHANGELOG. It goes into the logs of media.
const Version = "0.1.0"
