"""What is said on the calls: no text is in both parts."""

from __future__ import annotations

HUMAN = {
    "tuning": [
        "Hello?", "Hello.", "Yes?", "Hi there.", "Hello, this is Anna.", "Smith speaking.", "Hello, who is this?",
        "Good morning.", "Yeah, hello?", "Speaking.", "Hi, it's Tom.", "Doctor Miller's office.",
        "Good afternoon, Brown and Sons.", "Hello, Peter here, how can I help?", "Thank you for calling, this is Jane.",
        "Accounts department, good morning.", "Good morning, Brown and Sons, Jane speaking, how may I help you?",
        "Hello, yes, who is calling, please?", "Doctor Miller's office, this is Anna, can you hold for a moment?",
        "Hi, this is Peter at the warehouse, what's up?",
        "Sales and service, my name is Tom, how can I help you today?",
    ],
    "test": [
        "Hallo?", "Hello hello?", "Yep.", "Hey.", "Hello, Maria here.", "Johnson residence.", "Who's calling please?",
        "Good evening.", "Uh, hello?", "This is Robert.", "Hi, David speaking.", "Front desk.",
        "Good morning, City Dental.", "Hello, Susan speaking, what can I do for you?",
        "Customer service, this is Mark.",
        "Main Street Garage, good afternoon.", "Yes, hello, who am I speaking to?",
    ],
}  # fmt: skip
#: More of them, businesses that greet at length among them: for hard lines.
MORE_HUMAN = {
    "tuning": [
        "Thank you for calling Miller and Partners, my name is Anna, what can I do for you today?",
        "Hello, hello, is anybody there?", "Brown's bakery, hi.",
    ],
    "test": [
        "Good morning, thank you for calling Baker and Sons, this is Mary speaking, how may I help you?",
        "Reception, Harbour Hotel, David speaking, good evening.", "Hello? Hello, can you hear me?",
        "Thanks for calling City Dental, this is Susan.",
    ],
}  # fmt: skip
MACHINE = {
    "tuning": [
        "Hi, you have reached Tom. I can't come to the phone right now. Please leave a message after the beep.",
        "You have reached the Smith family. We are not at home. Leave your name and number and we will call you back.",
        "Hello, this is Anna. I am either on the other line or away from my desk. Please leave a message.",
        "The person you are trying to reach is not available. Please leave your message after the tone.",
        "Thank you for calling Brown and Sons. Our office is closed. Our hours are nine to five, Monday to Friday.",
        "Hey, it's Jack, leave me a message and I'll get back to you as soon as I can.",
        "Welcome. For sales, press one. For support, press two. To hear these options again, press star.",
        "Hi. If you record your name and reason for calling, I'll see if this person is available.",
    ],
    "test": [
        "Hello, you've got through to Maria. I'm busy at the moment, so please speak after the signal.",
        "This is the voice mail of Robert Johnson. I am out of the office until Monday. Leave a message.",
        "Sorry, nobody is here to take your call. Tell us who you are and what you want, and we'll ring you.",
        "The mobile phone you have called is switched off. Please try again later or record a message.",
        "You're through to City Dental. All of our lines are engaged. Please hold, and we will be with you shortly.",
        "What's up, it's Kevin. You know what to do, so do it after the beep.",
        "Thank you for calling. If you know the extension, dial it now. Otherwise stay on the line for an operator.",
        "The person you are calling is using a screening service. Please say who you are and why you are calling.",
        "Your call has been forwarded to an automatic voice message system. The subscriber is not available.",
    ],
}  # fmt: skip
SHORT_MACHINE = {
    "tuning": ["Leave a message.", "It's Tom, you know the drill.", "Please leave a message."],
    "test": ["Leave it at the beep.", "Kevin. Talk to me.", "Not here. Message please."],
}
#: What people say who take a call elsewhere: for hard lines.
ABROAD = {
    "de": [
        "Hallo?",
        "Müller.",
        "Ja, hallo?",
        "Guten Tag, Firma Schmidt, mein Name ist Weber.",
        "Schmidt, guten Morgen.",
    ],
    "pt": ["Alô?", "Pronto.", "Alô, quem fala?", "Bom dia, farmácia central, em que posso ajudar?"],
    "nl": ["Hallo?", "Met Jansen.", "Goedemorgen, met Anna de Vries.", "Bakkerij Visser, goedemiddag."],
    "pl": ["Halo?", "Słucham?", "Dzień dobry, tu Nowak.", "Tak, słucham, kto mówi?"],
    "es": ["¿Diga?", "¿Bueno?", "Hola, ¿quién es?", "Buenos días, taller García, ¿en qué puedo ayudarle?"],
    "fr": ["Allô ?", "Oui, bonjour.", "Allô, qui est à l'appareil ?", "Cabinet dentaire, bonjour, je vous écoute."],
    "it": ["Pronto?", "Sì, pronto, chi parla?", "Buongiorno, officina Rossi, mi dica.", "Pronto, sono Carlo."],
    "sv": ["Hallå?", "Ja, det är Anna.", "Andersson.", "Hej, du talar med Erik på kundtjänst."],
}
