"""Brings the queues of a FreePBX over.

    database.py backup.py conf.py sheet.py    the four sources, each read into tables.Tables
    tables.py         rows as FreePBX has them -> description.py, one typed description, whatever the source
    mapping.py        description -> what it is here, and notes on what it is not
    plan.py           what to do about it, given what is here and what the last import wrote. Pure
    report.py         plan and notes for people and for scripts
    run.py            reads, plans and applies; watch.py does it again and again
    command.py arguments.py progress.py       the command `import-freepbx`

No source is trusted: what cannot be read is an error or a note, and nothing is written before all of it is understood.
"""
