// The reset page in headless Chromium: accessible, strict, and a way from the mail's link to a new password, with and
// without JavaScript.

import { join } from 'node:path'
import pg from 'pg'

import { accessible, browse } from '../t/support/browser.mjs'
import { equal, main, ok } from '../t/support/tap.mjs'

const url = process.env.HTTP_URL
const page_url = `${url}/rpc/djust_reset_page`

const db = new pg.Client()
await db.connect()

async function one(statement, ...values) {
	const { rows } = await db.query({ text: statement, values, rowMode: 'array' })
	return rows[0][0]
}

async function customer(email) {
	await db.query('SELECT djust_auth.create_user($1, $2)', [email, 'Tulips-4-Ann'])
	await db.query('SELECT djust_reset_request($1)', [email])
	return link_for(email)
}

// The link of the mail, as it leads to the page.
async function link_for(email) {
	const mail = await one('SELECT body_text FROM djust_auth.claim_mail(1000) WHERE recipient = $1', email)
	return mail.match(/https?:\S+token=djp_[\w-]+/)[0].replace(/^.*\?/, `${page_url}?`)
}

async function logs_in(email, password) {
	const response = await fetch(`${url}/rpc/djust_login`, {
		method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email, password }),
	})
	return response.status === 200
}

const html = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

async function headers() {
	const good = await customer('head@page.example')
	const live = await fetch(good, { headers: html })
	equal([live.status, live.headers.get('content-type').split(';')[0], live.headers.get('cache-control'), live.headers.get('referrer-policy'), live.headers.get('x-content-type-options')],
		[200, 'text/html', 'no-store', 'no-referrer', 'nosniff'], 'status and headers')
	const policy = live.headers.get('content-security-policy')
	ok(/^default-src 'none'; script-src 'sha256-[\w+/]+='; style-src 'sha256-[\w+/]+='; img-src data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/.test(policy), 'a strict policy', policy)
	const text = await live.text()
	const dead = await fetch(`${page_url}?token=djp_${'x'.repeat(43)}`, { headers: html })
	const secret = good.match(/djp_[\w-]+/)[0]
	equal((await dead.text()).replaceAll('x'.repeat(43), ''), text.replaceAll(secret.slice(4), ''), 'a dead link gets the same page')
	const markup = await (await fetch(`${page_url}?token=${encodeURIComponent(`"><script>alert('1')</script>&`)}`, { headers: html })).text()
	ok(markup.includes('value="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;"') && !markup.includes('<script>alert'), 'a token that is markup is text')
	const read = await fetch(`${good}&new_password=Daisies-5-Bob`, { headers: html })
	equal([read.status, (await read.json()).code], [405, '25006'], 'a password by GET is refused')
	equal((await fetch(page_url, { headers: html })).status, 404, 'no token')
	ok(await logs_in('head@page.example', 'Tulips-4-Ann'), 'all that changed nothing')
	const posted = await fetch(page_url, {
		method: 'POST', headers: { ...html, 'Content-Type': 'application/x-www-form-urlencoded' },
		body: new URLSearchParams({ token: secret, new_password: 'Daisies-5-Bob' }),
	})
	equal([posted.status, posted.headers.get('content-type').split(';')[0], posted.headers.get('content-security-policy')], [200, 'text/html', policy], 'the link is good after all that')
	const again = await fetch(page_url, {
		method: 'POST', headers: { ...html, 'Content-Type': 'application/x-www-form-urlencoded' },
		body: new URLSearchParams({ token: secret, new_password: 'Daisies-5-Bob' }),
	})
	equal([again.status, /no longer valid/.test((await again.text()).replace(/<p[^>]* hidden>.*?<\/p>/g, ''))], [400, true], 'and then used up')
}

const met = page => page.$$eval('#rules li.met', items => items.map(item => item.id))
const shown = page => page.$$eval('#answer p:not([hidden])', items => items.map(item => item.dataset.code))

async function typing() {
	const link = await customer('type@page.example')
	await browse({}, async page => {
		await page.goto(link)
		await accessible(page, 'the page')
		equal(await met(page), [], 'no rule is met at first')
		const all = ['too_short', 'missing_uppercase', 'missing_lowercase', 'missing_digit', 'missing_special']
		for (const [password, rules] of [
			['t', ['missing_lowercase']], ['tU', ['missing_uppercase', 'missing_lowercase']], ['tU4', ['missing_uppercase', 'missing_lowercase', 'missing_digit']],
			['tU4-', all.slice(1)], ['tU4-tulp', all], ["Abcdefg1'", all.slice(0, 4)], ['Abcdefg1\\', all.slice(0, 4)], ['Abcdefg1 ', all.slice(0, 4)],
			['Äbcdefg1-', ['too_short', 'missing_lowercase', 'missing_digit', 'missing_special']],
			['Ab1-u\u0308o\u0308a\u0308', all.slice(1)], // 7 characters after NFC, 10 before
			['Ab1-😀😀😀', all.slice(1)], ['Ab1-😀😀😀😀', all], // one character each, two units of UTF-16
			...[...'~`!@#$%^&*()-_+={}[]|;:"<>,./?'].map(c => [`Abcdefg1${c}`, all]),
		]) {
			await page.fill('#new_password', password)
			const got = await met(page)
			const violations = await one('SELECT djust_auth.check_password($1)', password)
			ok(JSON.stringify(got) === JSON.stringify(rules) && all.every(rule => got.includes(rule) !== violations.includes(rule)),
				`rules met by ${password}: as the server has it`, `${got} ${violations}`)
		}
		const colour = await page.$eval('#too_short', item => getComputedStyle(item).color)
		equal(colour, 'rgb(23, 105, 47)', 'a rule that is met is green')
		await accessible(page, 'with rules met')
		equal(await page.getAttribute('#new_password', 'type'), 'password', 'the password is hidden')
		await page.check('#show')
		equal(await page.getAttribute('#new_password', 'type'), 'text', 'and shown when asked for')
		equal([page.troubles, page.foreign], [[], []], 'no violation of the policy, no error, no foreign request')
	})
}

async function journey_with_script() {
	const link = await customer('script@page.example')
	await db.query("INSERT INTO djust_auth.password_blocklist VALUES ('password-4-all') ON CONFLICT DO NOTHING")
	await browse({}, async page => {
		const posts = []
		page.on('request', request => { if (request.method() === 'POST') posts.push(new URL(request.url()).pathname) })
		await page.goto(link)
		await page.goto(link)
		await page.fill('#new_password', 'tulips')
		await page.click('button')
		await page.waitForSelector('#answer p:not([hidden])')
		equal([await shown(page), await page.$$eval('#rules li.unmet', items => items.map(item => item.id))],
			[['weak_password'], ['too_short', 'missing_uppercase', 'missing_digit', 'missing_special']], 'a weak password is refused, and why')
		await accessible(page, 'after a refusal')
		await page.fill('#new_password', 'Password-4-All')
		await page.click('button')
		await page.waitForSelector('[data-code=too_common]:not([hidden])')
		equal(await shown(page), ['weak_password', 'too_common'], 'a common one too')
		await page.fill('#new_password', 'Daisies-5-Bob')
		await page.keyboard.press('Enter')
		await page.waitForSelector('[data-code=password_updated]:not([hidden])')
		equal([await shown(page), await page.isVisible('form'), await page.title()], [['password_updated'], false, 'Password changed'], 'a good one is set')
		await accessible(page, 'after success')
		equal(new Set(posts), new Set(['/rpc/djust_reset_confirm']), 'it was posted to djust_reset_confirm')
		await page.goto(link)
		await page.fill('#new_password', 'Violets-6-Eve')
		await page.click('button')
		await page.waitForSelector('[data-code=invalid_grant]:not([hidden])')
		equal([await shown(page), await page.isVisible('form')], [['invalid_grant'], false], 'the link is used up')
		ok(page.troubles.every(text => /status of (400|422)/.test(text)) && page.foreign.length === 0, 'nothing but refusals on the console', page.troubles)
	})
	equal([await logs_in('script@page.example', 'Daisies-5-Bob'), await logs_in('script@page.example', 'Tulips-4-Ann')], [true, false], 'the new password logs in, the old one does not')
}

async function journey_without_script() {
	const link = await customer('plain@page.example')
	await browse({ javaScriptEnabled: false }, async page => {
		await page.goto(link)
		await page.goto(link)
		equal([await page.isVisible('#show'), await page.isVisible('button')], [false, true], 'nothing is offered that needs a script')
		await page.fill('#new_password', 'tulips')
		await page.click('button')
		ok(await page.isVisible('[data-code=weak_password]') && await page.isVisible('#missing_digit.unmet') && !await page.isVisible('#missing_lowercase.unmet'), 'a weak password is refused, and why')
		equal(new URL(page.url()).search, '', 'the token is not in the address any more')
		await page.fill('#new_password', 'Daisies-5-Bob')
		await page.click('button')
		equal([await page.isVisible('[data-code=password_updated]'), await page.$('form'), await page.title()], [true, null, 'Password changed'], 'a good one is set')
		await page.goto(link)
		await page.fill('#new_password', 'Violets-6-Eve')
		await page.click('button')
		equal([await page.isVisible('[data-code=invalid_grant]'), await page.$('form')], [true, null], 'the link is used up')
		equal(page.foreign, [], 'no foreign request')
	})
	equal([await logs_in('plain@page.example', 'Daisies-5-Bob'), await logs_in('plain@page.example', 'Tulips-4-Ann')], [true, false], 'the new password logs in, the old one does not')
}

async function policy_of_nist() {
	const link = await customer('nist@page.example')
	const reload = async statement => {
		await db.query(statement)
		await db.query('SELECT pg_reload_conf()')
	}
	await reload("ALTER SYSTEM SET djust_auth.password_policy = 'nist'")
	await browse({}, async page => {
		for (let n = 0; n < 100 && (n === 0 || await page.isVisible('#missing_digit')); n++) await page.goto(link)
		equal(await page.$$eval('#rules li', items => items.map(item => item.id)), ['too_short'], 'nist: the length is the only rule')
		await page.fill('#new_password', 'tulips and ros')
		equal(await met(page), [], 'nist: fourteen characters')
		await page.click('button')
		await page.waitForSelector('#answer p:not([hidden])')
		equal([await shown(page), await page.$$eval('#rules li.unmet', items => items.map(item => item.id))], [['weak_password'], ['too_short']], 'nist: are refused, and why')
		await page.fill('#new_password', 'tulips and rose')
		equal(await met(page), ['too_short'], 'nist: fifteen')
		await page.click('button')
		await page.waitForSelector('[data-code=password_updated]:not([hidden])')
		equal([await shown(page), page.foreign], [['password_updated'], []], 'nist: are set')
	})
	await reload('ALTER SYSTEM RESET djust_auth.password_policy')
	ok(await logs_in('nist@page.example', 'tulips and rose'), 'nist: and log in')
}

async function looks() {
	const link = await customer('looks@page.example')
	for (const colorScheme of ['light', 'dark']) {
		await browse({ colorScheme, viewport: { width: 360, height: 740 } }, async page => {
			await page.goto(link)
			await page.fill('#new_password', 'tulips-4')
			await accessible(page, `narrow and ${colorScheme}`)
			equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'nothing is wider than the screen')
			if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${colorScheme}.png`) })
		})
	}
}

// What the page says, by its language: title, a rule and its mark, button, title of success.
const says = {
	en: ['Choose a new password', 'A digit, 0 to 9 (not met)', 'Set new password', 'Password changed'],
	fr: ['Choisissez un nouveau mot de passe', 'Un chiffre, de 0 à 9 (critère non rempli)', 'Enregistrer le nouveau mot de passe', 'Mot de passe modifié'],
	de: ['Neues Passwort wählen', 'Eine Ziffer, 0 bis 9 (nicht erfüllt)', 'Neues Passwort speichern', 'Passwort geändert'],
}

async function negotiation() {
	for (const [accepted, language] of [['de', 'de'], ['fr-CA,en;q=0.5', 'fr'], ['it, de;q=0.4, fr;q=0.5', 'fr'], ['it', 'en'], ['', 'en'], ['de;q=x,"\\\\<script>', 'en'], [`${'x,'.repeat(3000)}de`, 'en']]) {
		const got = await fetch(`${page_url}?token=djp_x`, { headers: { ...html, 'Accept-Language': accepted } })
		const text = await got.text()
		ok(got.headers.get('content-language') === language && /Accept-Language/.test(got.headers.get('vary')) && text.includes(`<html lang="${language}">`) && got.status === 200,
			`Accept-Language ${accepted.slice(0, 40)}: ${language}`, JSON.stringify([...got.headers, text.slice(0, 100)]))
	}
}

async function languages() {
	for (const [locale, javaScriptEnabled] of [['de-AT', true], ['fr-CA', true], ['de-DE', false], ['fr-FR', false], ['en-GB', true]]) {
		const language = locale.slice(0, 2), [title, rule, button, done] = says[language]
		const what = `${locale}, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`
		const link = await customer(`${locale}.${javaScriptEnabled}@page.example`.toLowerCase())
		await browse({ locale, javaScriptEnabled }, async page => {
			await page.goto(link)
			equal([await page.getAttribute('html', 'lang'), await page.title(), await page.textContent('button')], [language, title, button], `${what}: the page`)
			await page.fill('#new_password', 'tulips-')
			await page.click('button')
			await page.waitForSelector('[data-code=weak_password]:not([hidden])')
			equal(await page.textContent('#missing_digit'), rule, `${what}: a rule that is not met`)
			if (javaScriptEnabled) await accessible(page, what)
			await page.fill('#new_password', 'Daisies-5-Bob')
			await page.click('button')
			await page.waitForSelector('[data-code=password_updated]:not([hidden])')
			equal([await page.title(), await page.textContent('h1')], [done, done], `${what}: success`)
		})
	}
}

await main(headers, negotiation, languages, typing, journey_with_script, journey_without_script, policy_of_nist, looks)
