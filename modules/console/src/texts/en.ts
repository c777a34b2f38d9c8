// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Every text of the console, screen by screen. {name} takes a value; {one, other}
// chooses by count.

export const en = {
    common: {
        cancel: 'Cancel', close: 'Close', save: 'Save', copy: 'Copy', copied: 'Copied', copyIt: 'Copy {what}', loading: 'Loading',
        tryAgain: 'Try again', optional: '(optional)', more: 'More', all: 'All', none: 'None', edit: 'Edit', remove: 'Remove', create: 'Create',
        loadMore: 'Load more', saved: 'Saved', you: 'you',
    },
    status: { pending: 'Pending', approved: 'Approved', rejected: 'Rejected', corrected: 'Corrected' },
    errors: {
        unreachable: 'The server does not answer. What you typed is kept.',
        forbidden: 'You may not do this: {detail}',
        tooMany: { one: 'Too many requests. Try again in {count} second.', other: 'Too many requests. Try again in {count} seconds.' },
        server: 'The server could not do it now: {detail}',
    },
    shell: {
        skip: 'Skip to content', nav: 'Screens', project: 'Project', chooseProject: 'Choose a project', allProjects: 'All projects',
        traces: 'Traces', review: 'Review', webhooks: 'Webhooks', prompts: 'Prompts', analytics: 'Analytics', audit: 'Audit', settings: 'Settings',
        signOut: 'Sign out', organization: 'Organization', theme: 'Theme', themeSystem: 'As the system', themeLight: 'Light', themeDark: 'Dark',
        language: 'Language', help: 'Keyboard shortcuts', account: 'Account of {name}', offline: 'Offline: the server does not answer. What you do is kept here and sent when it is back.',
        shortcutsOn: 'Single-key shortcuts', shortcutsNote: 'Turn them off if you use speech input or press keys by accident.',
        notFound: 'There is no such page', notFoundText: 'The address may be old or mistyped.', toTraces: 'Go to the traces',
        noOrganization: 'You belong to no organization yet', noOrganizationText: 'You are signed in, but nobody has added your login to an organization. Ask an administrator to add it under Settings, Members.',
        chooseOrganization: 'Choose an organization', broken: 'Something broke on this page', brokenText: 'Your drafts are kept. Load the page again; if it happens once more, tell your administrator what you did.', loadAgain: 'Load again',
    },
    signIn: {
        title: 'Sign in', login: 'Name', password: 'Password', submit: 'Sign in', wrong: 'The name or the password is wrong.',
        ended: 'Your session has ended. Sign in to go on; your drafts are kept.',
    },
    input: {
        label: 'Input', system: 'System prompt', systemNote: 'Instructions to the model', others: 'Other inputs', noContent: 'The content is empty.',
        role_system: 'System', role_developer: 'Developer', role_user: 'User', role_assistant: 'Assistant', role_tool: 'Tool', message: 'Message {number}',
        members: { one: '{count} field', other: '{count} fields' }, items: { one: '{count} item', other: '{count} items' }, noMembers: 'no fields', noItems: 'no items',
        showMore: { one: 'Show {count} more', other: 'Show {count} more' }, showAll: 'Show all {length} characters', showLess: 'Show less', emptyText: '(empty text)',
        type_string: 'text', type_number: 'number', type_boolean: 'yes or no', type_null: 'nothing',
        misfit_text: 'This project shows text, but the input has no {key}.', misfit_pdf: 'This project shows PDFs, but the input has no {key}.', misfit_image: 'This project shows images, but the input has no {key}.',
        notText: 'The input’s {key} is not a text, so it cannot be shown as this project’s kind of input.', notObject: 'The input is not an object with fields.',
        notBase64: 'The input’s {key} is not valid base64, so there is nothing to show.', notPdf: 'The input’s {key} is not a PDF.', notImage: 'The input’s {key} is no PNG, JPEG, GIF, WebP, AVIF or BMP image.',
        shownAsText: 'It is shown as text, without running anything in it.', download: 'Download', file: 'file',
        pdfPassword: 'This PDF is protected with a password and cannot be shown here.', pdfBroken: 'This PDF is damaged and cannot be shown here.', pdfSlow: 'This PDF takes unusually long to open.', pdfMoved: 'Its viewer does not answer.',
        pdfTitle: 'PDF: {name}', pdfLink: 'This PDF has a link to:', openLink: 'Open in a new tab',
        imageBroken: 'This image is damaged and cannot be shown here.', imageHuge: 'This image is very large ({width} × {height}). Showing it may slow your browser down.', showAnyway: 'Show it anyway',
        image: 'Image {name}', imageKeys: 'Image: arrows move it, + and − zoom, 0 fits, 1 shows it at its own size, R turns it',
        zoomIn: 'Zoom in', zoomOut: 'Zoom out', fit: 'Fit', fitWidth: 'Fit width', actual: 'Own size', rotate: 'Turn', reset: 'Reset view', zoom: 'Zoom',
        page: 'Page', pages: 'of {count}', document: 'Document', search: 'Search in the PDF', searchNext: 'Next place', searchBack: 'Previous place', noMatch: 'Not found', matchOf: '{at} of {count}', escape: 'Esc: back to the review', pageLabel: 'Page {number}', link: 'Link: {url}', pageLink: 'Link within the PDF',
    },
};
