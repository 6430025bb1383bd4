/* SPDX-License-Identifier: Apache-2.0 */
/* Built with musl: prints how many IPv4 addresses a name has, or the error. */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct addrinfo *list = NULL, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    int n = 0, error = argc > 1 ? getaddrinfo(argv[1], NULL, &hints, &list) : EAI_FAIL;

    for (struct addrinfo *i = list; i; i = i->ai_next)
        n++;
    if (error)
        puts(error == EAI_NONAME ? "no such name" : error == EAI_AGAIN ? "try again" : gai_strerror(error));
    else
        printf("%d\n", n);
    return 0;
}
