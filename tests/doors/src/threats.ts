/** One way to attack a hub, and what it does about it. */
export interface Threat {
  readonly id: string;
  readonly attack: string;
  readonly answer: string;
}

/** What has to have a test. The ids are those that titles of tests begin with. */
export const threats: readonly Threat[] = [
  {
    id: 'T01',
    attack: 'A nonce of the handshake, or the signature over it, is shown again, to another hub, or on another connection.',
    answer:
      'A nonce lives 30 seconds, is used up before its signature is looked at, and once over all hubs of a store; the signature is over hub, agent, key and channel.',
  },
  {
    id: 'T02',
    attack: 'A token is unsigned, or signed with an algorithm its key is not for, such as a public key taken for a secret.',
    answer: 'One algorithm for each key, named beforehand; all else is 401.',
  },
  {
    id: 'T03',
    attack: 'The key id of a token is a path, a query or unknown, or its header brings or points to a key.',
    answer: 'A key id is looked up as it is; such headers are refused; unknown ids have the issuer asked once in 30 seconds at most.',
  },
  {
    id: 'T04',
    attack: 'A token of another type, audience or issuer is shown: an ID token, a proof, one for another hub, one for many.',
    answer: 'Exact type, exact issuer, one audience as text; all else is 401.',
  },
  {
    id: 'T05',
    attack: 'One token is written differently: padding, spaces, other last characters, the other alphabet of base64.',
    answer: 'Every token has one text, which is checked before anything is decoded, and revoked by its id.',
  },
  {
    id: 'T06',
    attack: 'Claims stand twice, are called `__proto__`, or are numbers beyond all numbers, texts or fractions where times belong.',
    answer: 'JSON is parsed strictly into objects without a prototype; claims that do not fit the schema are 401.',
  },
  {
    id: 'T07',
    attack: 'Somebody learns from answers or their time whether a key or agent exists.',
    answer: 'One answer after one read of the store, whatever is wrong; secrets are compared as digests, in constant time.',
  },
  {
    id: 'T08',
    attack: 'A stolen bearer credential is used from elsewhere.',
    answer:
      'Grants and sessions are bound to the key or certificate of their holder where it has one; one that moves has to authenticate again before it writes.',
  },
  {
    id: 'T09',
    attack: 'A DPoP proof is replayed, stale, from the future, for another request, token or key, signed with a secret, or left out.',
    answer: 'The checks of RFC 9449 section 4.3, each a 401; a bound token is never taken as a bearer token.',
  },
  {
    id: 'T10',
    attack: 'The clock of a hub is wrong, or jumps.',
    answer:
      'Times of others have a tolerance of seconds; a life that began here does not grow when the clock is set back; nothing is issued while the clock is in doubt.',
  },
  {
    id: 'T11',
    attack: 'A credential that was revoked is used on a hub that has not heard of it.',
    answer: 'What a hub knows of keys, sessions and agents it believes for five seconds; after that it asks, or refuses with 503.',
  },
  {
    id: 'T12',
    attack: 'A caller says in arguments, headers or metadata that it has another name, role, zone, trust or organisation.',
    answer: 'Those come from the credential and the socket alone; asking in the name of another is refused, and recorded as impersonation.',
  },
  {
    id: 'T13',
    attack: 'A caller from outside looks local: forwarding headers, a proxy on the machine, DNS rebinding, a foreign Host or Origin.',
    answer: 'The zone is the socket’s; headers count from named proxies only and lift nobody to local; foreign Hosts and Origins are 403.',
  },
  {
    id: 'T14',
    attack: 'A name looks like another’s: other scripts, full-width letters, invisible characters, percent-encoding.',
    answer: 'Ids are plain lower-case ASCII; others are refused, never mended.',
  },
  {
    id: 'T15',
    attack: 'An agent uses, ends or sees the grant or session of another, or shows the credential of one beside the certificate of another.',
    answer: 'Grants and sessions are bound to their holder; answers about others’ are those about what does not exist; two parties at once are impersonation.',
  },
  { id: 'T18', attack: 'JSON reaches for prototypes.', answer: '`__proto__` is refused, nothing of others is merged, and no request changes a prototype.' },
  {
    id: 'T19',
    attack: 'Bodies are huge, deep, of many members, or compressed to look small.',
    answer: 'Bytes are counted as they stream; depth, members, strings and keys are counted before they are parsed; compressed bodies are 415.',
  },
  {
    id: 'T20',
    attack: 'Connections are opened by the thousand, begun and not ended, or read slowly.',
    answer: 'Caps for an address and for all, time limits on handshakes, heads, bodies and answers; others are served meanwhile.',
  },
  {
    id: 'T24',
    attack: 'A URL that others have a say in leads the hub into its own network: private addresses in any spelling, redirects, rebinding.',
    answer: 'https only; every address is classified, and the one that was is connected to; no redirects; caps on time and size; errors repeat nothing.',
  },
  {
    id: 'T25',
    attack: 'A resource URI climbs to another: dots, slashes, encodings, other schemes and hosts.',
    answer: 'URIs are matched as they are written, part by part; whatever is not exactly a name is unknown.',
  },
  {
    id: 'T26',
    attack: 'A text pretends to be a line of a log, a command of a terminal or a formula of a spreadsheet.',
    answer: 'One line for one entry; what steers is escaped, in logs and in exports; the trail keeps the text as data.',
  },
  {
    id: 'T28',
    attack: 'A key or token comes to stand in an error, log, record, metric or file.',
    answer: 'Only digests and public ids are kept; a canary shows that no output has the secret.',
  },
  {
    id: 'T29',
    attack: 'Authorization servers are mixed up, send elsewhere, or have a client ask for scopes without end.',
    answer:
      'Metadata must be the issuer’s own; keys and subjects of two issuers never meet; redirects are not followed; one challenge names all scopes of a call.',
  },
  { id: 'T30', attack: 'Headers that gateways go by say another thing than the body.', answer: '400 with code -32020, before any policy.' },
  {
    id: 'T31',
    attack: 'One caller sees what is another’s: in lists, caches or errors.',
    answer: 'Lists are made for each caller and private; REST answers are `no-store`; errors name nobody else.',
  },
  {
    id: 'T32',
    attack: 'A caller escapes its limits: new keys, other spellings, a whole IPv6 network, many agents of one owner.',
    answer: 'Limits count the verified caller, owner and organisation in one spelling, and an address by its /64.',
  },
  {
    id: 'T33',
    attack: 'A caller reads, writes, lists, watches or completes keys of a board that are not for it, or learns that they are there.',
    answer:
      'Every key is asked of the policies; what a caller is told is the same whether those it may not read are there or not, and who may only write is told nothing.',
  },
  {
    id: 'T34',
    attack: 'Somebody who is no peer exchanges boards, or uses what peers are spared.',
    answer: 'The tool of peers answers only agents that the operator named, shows itself to nobody else, and only their calls of it are not counted.',
  },
];
