/*
 * The keys of the programs with --curve, in Z85: those of the examples of libzmq's manual, and one
 * that no server owns.
 */
#ifndef CURVE_H
#define CURVE_H

#include <stdbool.h>
#include <string.h>

#define CURVE_SERVER_PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define CURVE_SERVER_SECRET "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
#define CURVE_CLIENT_PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define CURVE_CLIENT_SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

/* The public key of the server that a client expects. */
static inline const char *curve_server_of(const char *which) {
    return strcmp(which, "other") == 0 ? CURVE_CLIENT_PUBLIC : CURVE_SERVER_PUBLIC;
}

#endif
