// The pages of sign-up and of links about addresses in headless Chromium: accessible, in three languages, with and without
// JavaScript, and not used up by programs that open links.

import pg from 'pg'

import { accessible, browse } from '../t/support/browser.mjs'
import { equal, main, ok, until } from '../t/support/tap.mjs'

const url = process.env.HTTP_URL
const sign_up_url = `${url}/rpc/djust_sign_up_page`
const confirm_url = `${url}/rpc/djust_confirm_page`
const html = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

const db = new pg.Client()
await db.connect()

async function one(statement, ...values) {
	const { rows } = await db.query({ text: statement, values, rowMode: 'array' })
	return rows[0][0]
}

const get = (address, headers = {}) => fetch(address, { headers: { ...html, ...headers } })

const post = (address, fields) => fetch(address, {
	method: 'POST', headers: { ...html, 'Content-Type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(fields),
})

async function call(name, values, bearer) {
	const response = await fetch(`${url}/rpc/${name}`, {
		method: 'POST', headers: { 'Content-Type': 'application/json', ...(bearer && { Authorization: `Bearer ${bearer}` }) }, body: JSON.stringify(values),
	})
	return { status: response.status, ...await response.json() }
}

const login = (email, password) => call('djust_login', { email, password })

// The link of the newest mail to the address, as it leads to the page.
async function link_for(email, prefix = 'djc_') {
	const { rows } = await db.query('SELECT body_text FROM djust_auth.claim_mail(1000) WHERE recipient = $1', [email])
	const tokens = rows.map(row => row.body_text.match(`${prefix}[\\w-]+`)?.[0]).filter(Boolean)
	return `${confirm_url}?token=${tokens[0]}`
}

const users = email => one('SELECT count(*)::integer FROM djust_auth.customer_user WHERE email = $1', email)

async function sign_up_is(on) {
	await db.query(`ALTER SYSTEM SET djust_auth.sign_up = ${on ? 'on' : 'off'}`)
	await db.query('SELECT pg_reload_conf()')
	await until(async () => (await get(sign_up_url)).status === (on ? 200 : 404), 'the setting')
}

async function closed() {
	for (const [accepted, says] of [['en', 'Accounts cannot be created here.'], ['fr', 'Il n&#8217;est pas possible'], ['de', 'keine Konten']]) {
		const page = await get(sign_up_url, { 'Accept-Language': accepted })
		const text = await page.text()
		ok(page.status === 404 && page.headers.get('content-language') === accepted && text.includes(says) && !text.includes('<form'), `sign-up is off: ${accepted}`, text)
	}
	equal((await post(sign_up_url, { email: 'off@page.example', password: 'Tulips-4-Ann' })).status, 404, 'a form that is sent all the same is refused')
}

async function open() {
	await sign_up_is(true)
	const page = await get(sign_up_url)
	equal([page.status, page.headers.get('content-type').split(';')[0], page.headers.get('cache-control'), page.headers.get('referrer-policy')],
		[200, 'text/html', 'no-store', 'no-referrer'], 'status and headers of sign-up')
	const read = await get(`${sign_up_url}?email=x@page.example&password=Tulips-4-Ann`)
	equal([read.status, (await read.json()).code], [405, '25006'], 'a password by GET is refused')
	ok((await (await get(`${sign_up_url}?email=${encodeURIComponent('"><script>')}`)).text()).includes('value="&quot;&gt;&lt;script&gt;"'), 'an address in the link is filled in, as text')
	const looked = await get(`${confirm_url}?token=djc_x`)
	equal([looked.status, looked.headers.get('referrer-policy'), /^default-src 'none'; script-src 'none'; style-src 'sha256-[\w+/]+='; /.test(looked.headers.get('content-security-policy'))],
		[200, 'no-referrer', true], 'the page of a link allows no script')
	const by_get = await get(`${confirm_url}?token=djc_x&confirm=yes`)
	equal([by_get.status, (await by_get.json()).code], [405, '25006'], 'a confirmation by GET is refused')
	const dead = await post(confirm_url, { token: 'djc_x', confirm: 'yes' })
	equal([dead.status, (await dead.text()).replace(/<p[^>]* hidden>.*?<\/p>/g, '').match(/data-code="\w+"/g)], [400, ['data-code="invalid_grant"']], 'a dead link says so when it is used')
	for (const token of ['', 'djp_x', 'garbage', '"><script>'])
		ok((await (await get(`${confirm_url}?token=${encodeURIComponent(token)}`)).text()).includes('<h1>Confirm your email address</h1>'), `the page does not look at the token ${token}`)
}

async function same_for_all() {
	await db.query('SELECT djust_auth.create_user($1, $2)', ['known@page.example', 'Tulips-4-Ann'])
	const answers = []
	for (const email of ['known@page.example', 'unknown@page.example']) {
		const page = await post(sign_up_url, { email, password: 'Daisies-5-Bob' })
		answers.push([page.status, await page.text()])
	}
	equal([answers[0], answers[0][0]], [answers[1], 200], 'a known address gets the page of an unknown one')
}

async function scanner() {
	const email = 'scanned@page.example'
	equal((await post(sign_up_url, { email, password: 'Daisies-5-Bob' })).status, 200, 'a sign-up')
	const link = await link_for(email)
	for (let n = 0; n < 10; n++)
		for (const method of ['GET', 'HEAD', 'OPTIONS']) await (await fetch(link, { method, headers: html })).arrayBuffer()
	equal(await users(email), 0, 'opening the link ten times by GET, HEAD and OPTIONS makes no account')
	const token = new URL(link).searchParams.get('token')
	equal([(await post(confirm_url, { token, confirm: 'yes' })).status, await users(email)], [200, 1], 'and does not use it up')
	equal([(await post(confirm_url, { token, confirm: 'yes' })).status, (await login(email, 'Daisies-5-Bob')).status], [400, 200], 'it works once')
}

const shown = page => page.$$eval('#answer p:not([hidden])', items => items.map(item => item.dataset.code))

// Titles of sign-up and its success, then of the confirmation, its button and success.
const says = {
	en: ['Create an account', 'Check your mail', 'Confirm your email address', 'Confirm this address', 'Address confirmed'],
	fr: ['Créer un compte', 'Consultez vos e-mails', 'Confirmez votre adresse e-mail', 'Confirmer cette adresse', 'Adresse confirmée'],
	de: ['Konto anlegen', 'Sehen Sie in Ihr Postfach', 'E-Mail-Adresse bestätigen', 'Diese Adresse bestätigen', 'E-Mail-Adresse bestätigt'],
}

async function send(page, email, password, code) {
	await page.fill('#email', email)
	await page.fill('#password', password)
	await page.click('button')
	await page.waitForSelector(`[data-code=${code}]:not([hidden])`)
}

async function journey(locale, javaScriptEnabled) {
	const email = `${locale}.${javaScriptEnabled}@page.example`.toLowerCase()
	const [title, sent, confirm, button, confirmed] = says[locale.slice(0, 2)]
	const what = `${locale}, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`
	const check = async (page, when) => { if (javaScriptEnabled) await accessible(page, `${what}, ${when}`) }
	await browse({ locale, javaScriptEnabled, viewport: { width: 360, height: 740 } }, async page => {
		const posts = []
		page.on('request', request => { if (request.method() === 'POST') posts.push(new URL(request.url()).pathname) })
		await page.goto(sign_up_url)
		equal([await page.title(), await page.isVisible('#show')], [title, javaScriptEnabled], `${what}: sign-up`)
		await check(page, 'sign-up')
		await send(page, 'nobody', 'Daisies-5-Bob', 'invalid_request')
		equal([await shown(page), await page.inputValue('#email')], [['invalid_request'], 'nobody'], `${what}: an address that is none`)
		await send(page, email, 'tulips', 'weak_password')
		equal([await shown(page), await page.inputValue('#email'), await page.$$eval('#rules li.unmet', items => items.map(item => item.id))],
			[['weak_password'], email, ['too_short', 'missing_uppercase', 'missing_digit', 'missing_special']], `${what}: a weak password`)
		await check(page, 'after a refusal')
		await send(page, email, 'Daisies-5-Bob', 'confirmation_sent')
		equal([await page.title(), await page.isVisible('form')], [sent, false], `${what}: sent`)
		equal(new Set(posts), new Set([javaScriptEnabled ? '/rpc/djust_sign_up' : '/rpc/djust_sign_up_page']), `${what}: it was posted where it should be`)
		await check(page, 'sent')
		await page.goto(await link_for(email))
		equal([await page.title(), await page.textContent('button'), await users(email)], [confirm, button, 0], `${what}: the link`)
		await check(page, 'the link')
		equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, `${what}: nothing is wider than the screen`)
		await page.click('button')
		await page.waitForSelector('[data-code=email_confirmed]:not([hidden])')
		equal([await page.title(), await page.$('form'), new URL(page.url()).search], [confirmed, null, ''], `${what}: confirmed`)
		await check(page, 'confirmed')
		ok(page.troubles.every(text => /status of (400|422)/.test(text)) && page.foreign.length === 0, `${what}: nothing but refusals on the console, no foreign request`, page.troubles)
	})
	equal([await one('SELECT locale FROM djust_auth.customer_user WHERE email = $1', email), (await login(email, 'Daisies-5-Bob')).status], [locale.slice(0, 2), 200], `${what}: the account`)
}

async function journeys() {
	for (const locale of ['en-GB', 'fr-CA', 'de-AT'])
		for (const script of [true, false]) await journey(locale, script)
}

// Both shards of the router are this database (with_postgrest.py), so nobody can move to the other one.
async function near(email) {
	return one("SELECT email FROM (SELECT 'near' || n || '.' || $1 AS email FROM generate_series(1, 100) n) e WHERE djust_auth.email_shard(email, 2) = 0 LIMIT 1", email)
}

async function reverts() {
	for (const [locale, title, button, done] of [['en-GB', 'Put your email address back', 'Put the address back', 'Address put back'],
		['fr-FR', 'Rétablir votre adresse e-mail', 'Rétablir l’adresse', 'Adresse rétablie'], ['de-DE', 'E-Mail-Adresse wiederherstellen', 'Adresse wiederherstellen', 'Adresse wiederhergestellt']]) {
		const before = await near(`before.${locale}@page.example`.toLowerCase()), after = await near(`${locale}@page.example`.toLowerCase())
		await db.query('SELECT djust_auth.create_user($1, $2)', [before, 'Tulips-4-Ann'])
		const bearer = (await login(before, 'Tulips-4-Ann')).access_token
		equal((await call('djust_change_email', { access_token: bearer, current_password: 'Tulips-4-Ann', new_email: after }, bearer)).status, 'confirmation_sent', `${locale}: a change of address`)
		const token = new URL(await link_for(after)).searchParams.get('token')
		equal((await post(confirm_url, { token, confirm: 'yes' })).status, 200, `${locale}: is confirmed`)
		const link = await link_for(before, 'djv_')
		await browse({ locale }, async page => {
			await page.goto(link)
			equal([await page.title(), await page.textContent('button'), await users(after)], [title, button, 1], `${locale}: the link of the notice`)
			await accessible(page, `${locale}, the notice`)
			await page.click('button')
			await page.waitForSelector('[data-code=email_reverted]:not([hidden])')
			equal([await page.title(), await page.$('form')], [done, null], `${locale}: put back`)
			await accessible(page, `${locale}, put back`)
			await page.goto(link)
			await page.click('button')
			equal(await shown(page), ['invalid_grant'], `${locale}: the link works once`)
		})
		equal([await users(before), await users(after), (await login(before, 'Tulips-4-Ann')).error], [1, 0, 'too_many_attempts'], `${locale}: the account has its address again, and no password`)
	}
}

async function invited() {
	const email = 'invited@page.example'
	await db.query("SELECT djust_auth.invite_user($1, '{}', 'fr')", [email])
	const token = new URL(await link_for(email, 'djp_')).searchParams.get('token')
	await browse({ locale: 'fr-FR', javaScriptEnabled: false }, async page => {
		await page.goto(`${url}/rpc/djust_reset_page?token=${token}`)
		equal((await login(email, 'Daisies-5-Bob')).error, 'invalid_grant', 'an invitation: no password yet')
		await page.fill('#new_password', 'Daisies-5-Bob')
		await page.click('button')
		await page.waitForSelector('[data-code=password_updated]:not([hidden])')
	})
	equal((await login(email, 'Daisies-5-Bob')).status, 200, 'the page behind its link sets one')
}

async function end() {
	await sign_up_is(false)
	await db.query('ALTER SYSTEM RESET djust_auth.sign_up')
}

await main(closed, open, same_for_all, scanner, journeys, reverts, invited, end)
