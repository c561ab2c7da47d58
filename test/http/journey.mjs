// The way of a forgotten password, all of it: asked for by HTTP, mailed by the worker, read in the mail that arrived,
// followed in Chromium to the page, and in again with the new password.

import { spawnSync } from 'node:child_process'
import pg from 'pg'

import { browse } from '../t/support/browser.mjs'
import { equal, main, ok, until } from '../t/support/tap.mjs'

const url = process.env.HTTP_URL
const email = 'ann@journey.example'
const [OLD, NEW] = ['Tulips-4-Ann', 'Daisies-5-Bob']

const db = new pg.Client()
await db.connect()

async function one(statement, ...values) {
	const { rows } = await db.query({ text: statement, values, rowMode: 'array' })
	return rows[0][0]
}

async function post(name, body, headers = {}) {
	const response = await fetch(`${url}/rpc/${name}`, {
		method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body),
	})
	return { status: response.status, body: JSON.parse(await response.text() || null) }
}

// What the mail server has got, awaited: headers, an empty line, and that part.
function mail(number, part = '') {
	const { status, stdout, stderr } = spawnSync('sh', ['-c', `${process.env.RELAY_READ} ${number} ${part}`], { encoding: 'utf8' })
	if (status !== 0) throw new Error(stderr)
	return stdout
}

async function worker() {
	await db.query("SELECT djust_auth.grant_api('http_worker', 'worker')")
	await db.query(`ALTER SYSTEM SET djust_auth.reset_url = '${url}/rpc/djust_reset_page?token={token}'`)
	await db.query('SELECT pg_reload_conf()')
	await until(async () => (await one('SHOW djust_auth.reset_url')).startsWith(url), 'the new reset_url')
	const running = `SELECT usename FROM pg_stat_activity JOIN pg_roles ON rolname = usename
		WHERE backend_type = 'djust_auth worker ' || current_database() AND NOT rolsuper`
	await until(async () => (await db.query(running)).rowCount === 1, 'the worker')
	equal(await one(running), 'http_worker', 'the worker is there, under a role that is no superuser')
}

async function journey() {
	await db.query('SELECT djust_auth.create_user($1, $2)', [email, OLD])
	const before = await post('djust_login', { email, password: OLD })
	const [nobody, ann] = [await post('djust_reset_request', { email: 'nobody@journey.example' }), await post('djust_reset_request', { email })]
	equal([before.status, ann, nobody], [200, { status: 204, body: null }, ann], 'a reset is asked for, by Ann and by nobody')

	const text = mail(1)
	equal(text.match(/^(From|To): .*$/gm), ['From: The Shop <no-reply@shop.example>', `To: ${email}`], "Ann's mail arrives")
	const [link] = text.match(/https?:\S+/)
	ok(link.startsWith(`${url}/rpc/djust_reset_page?token=djp_`), 'its text has a link to the page', link)
	await browse({}, async page => {
		await page.setContent(mail(1, 'html').replace(/^.*?\n\n/s, ''))
		equal(await page.$$eval('a', links => links.map(a => a.href)), [link], 'and its HTML the same one')
		await page.goto(link)
		equal(await page.title(), 'Choose a new password', 'which leads to the page')
		await page.fill('#new_password', NEW)
		await page.click('button')
		await page.waitForSelector('[data-code=password_updated]:not([hidden])')
		equal(await page.title(), 'Password changed', 'where a new password is set')
		equal([page.troubles, page.foreign], [[], []], 'with no trouble and no foreign request')
	})

	const login = await post('djust_login', { email, password: NEW })
	equal([login.status, login.body.token_type], [200, 'Bearer'], 'it logs in')
	equal((await post('djust_login', { email, password: OLD })).body.error, 'invalid_grant', 'the old one does not')
	equal((await post('djust_refresh', { refresh_token: before.body.refresh_token })).body.error, 'invalid_grant', 'the session from before has ended')
	equal((await post('djust_reset_confirm', { reset_token: link.split('token=')[1], new_password: OLD })).body.error, 'invalid_grant', 'the link is used up')

	const notice = mail(2)
	ok(notice.includes(`\nTo: ${email}\n`) && /^Subject: .*changed/m.test(notice) && !notice.includes('djp_'), 'a notice arrives, without a link', notice)
	await until(async () => await one('SELECT every(done_at IS NOT NULL) FROM djust_auth.mail_queue'), 'the queue to be done')
	equal(await one("SELECT djust_auth.stats() ->> 'mails_sent'"), '2', 'nobody got no mail')
}

// A shop of its own, which its proxy names in a header.
async function store() {
	await db.query("ALTER SYSTEM SET djust_auth.store_header = 'X-Store'")
	await db.query('SELECT pg_reload_conf()')
	await until(async () => await one('SHOW djust_auth.store_header') === 'X-Store', 'the new store_header')
	await db.query(`INSERT INTO djust_auth.store (name, reset_url, mail_from, locale)
		VALUES ('fr', 'https://boutique.example/mot-de-passe?token={token}', 'La Boutique Été <bonjour@boutique.example>', 'fr')`)
	await db.query("SELECT djust_auth.create_user('bea@journey.example', $1)", [OLD])
	const asked = await post('djust_reset_request', { email: 'bea@journey.example' }, { 'X-Store': 'fr' })
	equal(asked.status, 204, 'a reset is asked for in a store view')
	const text = mail(3)
	equal(text.match(/^(From|To): .*$/gm), ['From: La Boutique Été <bonjour@boutique.example>', 'To: bea@journey.example'], 'its sender writes')
	ok(/^Subject: Choisissez/m.test(text) && text.includes('https://boutique.example/mot-de-passe?token=djp_'), 'in its language, with its link', text)
}

await main(worker, journey, store)
