"""Carriers by name: `ASOUD_SMS_ADAPTERS=twilio,http` opens `twilio.py`, then `http.py`.

A new carrier is a file here with `open_adapter(options: Options) -> SmsAdapter`.
"""
