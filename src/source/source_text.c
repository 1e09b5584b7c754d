/*
 * source_text.c --- texts of servers
 */
#include "postgres.h"

#include "source/source_text.h"

bool
sdb_source_text_is_number(const char *text)
{
	static const char digits[] = "0123456789";
	Size		n;

	text += *text == '-' || *text == '+' ? 1 : 0;
	n = strspn(text, digits);
	text += n;
	if (*text == '.')
	{
		Size		fraction = strspn(text + 1, digits);

		n += fraction;
		text += 1 + fraction;
	}
	if (n > 0 && (*text == 'e' || *text == 'E'))
	{
		text += text[1] == '-' || text[1] == '+' ? 2 : 1;
		n = strspn(text, digits);
		text += n;
	}
	return n > 0 && *text == '\0';
}
