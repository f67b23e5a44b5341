// mailauth as a judge: one JSON object a line in, one out (see judges.py).
//     node judge.cjs FOLDER_OF_MAILAUTH DNS_HOST:PORT
'use strict';

const { createRequire } = require('node:module');
const { createInterface } = require('node:readline');
const dns = require('node:dns');
const fs = require('node:fs');

const [, , folder, server] = process.argv;
const mailauth = createRequire(folder + '/')('mailauth/lib/mailauth.js');
const { dkimSign } = createRequire(folder + '/')('mailauth/lib/dkim/sign.js');
const { dkimVerify } = createRequire(folder + '/')('mailauth/lib/dkim/verify.js');

const asker = new dns.promises.Resolver({ timeout: 5000, tries: 3 });
asker.setServers([server]);
const resolver = (name, type) => asker.resolve(name, type);
const said = (x) => ({ result: x.status.result, why: x.status.comment || '' });

async function authenticate(q, message, options) {
    return mailauth.authenticate(message, { resolver, mta: q.domain, ip: q.ip, helo: q.helo,
        sender: q.sender, disableBimi: true, ...options });
}

const ops = {
    async verify(q, message) {
        return (await dkimVerify(message, { resolver })).results.map(said);
    },
    async sign(q, message) {
        const made = await dkimSign(message, { canonicalization: q.canon, algorithm: q.algorithm,
            signTime: Date.now(), signatureData: [{ signingDomain: q.domain, selector: q.selector,
                privateKey: fs.readFileSync(q.key), canonicalization: q.canon,
                algorithm: q.algorithm, maxBodyLength: q.length }] });
        if (made.errors && made.errors.length)
            throw made.errors[0].err || made.errors[0];
        return made.signatures;
    },
    async arc_verify(q, message) {
        return said((await authenticate(q, message, { disableDmarc: true })).arc);
    },
    async arc_seal(q, message) {
        const made = await authenticate(q, message, { disableDmarc: true, seal: {
            signingDomain: q.domain, selector: q.selector, algorithm: q.algorithm,
            privateKey: fs.readFileSync(q.key) } });
        return made.headers.slice(0, made.headers.indexOf('\r\nReceived-SPF:') + 2);
    },
    async dmarc(q) {
        const made = await mailauth.dmarc({ headerFrom: q.from, spfDomains: q.spf, resolver,
            dkimDomains: q.dkim.map((domain) => ({ domain, aligned: true })) });
        return { result: made.status.result, policy: made.policy || '' };
    },
};

createInterface({ input: process.stdin }).on('line', async (line) => {
    const q = JSON.parse(line);
    let answer;

    try {
        answer = { id: q.id, answer: await ops[q.op](q, Buffer.from(q.message, 'base64')) };
    } catch (e) {
        answer = { id: q.id, error: String(e && e.message || e) };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
});
